import HTTPTypes
import HummingbirdCore
import NIOCore

/// One request over a connection, and its answer.
struct HTTPExchange: Sendable {
    /// No request has a body; clients send a few bytes with POST all the same.
    private static let bodyBytes = 4096

    private static let standingHeaders = [
        "Content-Security-Policy":
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    ]

    let site: Site
    let request: Request
    let channel: any Channel
    let readTimeout: Duration

    func answer(_ writer: consuming ResponseWriter) async throws {
        let asked = SiteRequest(request, isTooLong: isTooLong)
        let answer = await site.answer(asked)
        guard case .bytes(let bytes) = answer.content else { return try await sendStates(answer, writer) }
        var head = head(answer)
        // The length of what GET would bring; of nothing nothing is said.
        if answer.status != 304 { head.headerFields[.contentLength] = "\(bytes.count)" }
        let hasBody = asked.method != "HEAD" && answer.status != 304
        try await writer.write(
            response: head, body: hasBody ? ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)) : ResponseBody())
        // What is still to come of a body that is too long is not waited for.
        if asked.isTooLong { channel.close(promise: nil) }
    }

    private var isTooLong: Bool {
        if request.headers[.transferEncoding] != nil { return true }
        return request.headers[.contentLength].map { (Int($0) ?? .max) > Self.bodyBytes } ?? false
    }

    private func head(_ answer: SiteAnswer) -> HTTPResponse {
        var fields = HTTPFields()
        for (name, value) in Self.standingHeaders.merging(answer.headers, uniquingKeysWith: { $1 }) {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return HTTPResponse(status: .init(code: answer.status), headerFields: fields)
    }

    private func sendStates(_ answer: SiteAnswer, _ writer: consuming ResponseWriter) async throws {
        guard request.method == .get, let subscription = await site.run?.feed.subscribe() else {
            var refused = head(answer)
            let isHead = request.method == .head
            refused.status = isHead ? .ok : .serviceUnavailable
            if !isHead { refused.headerFields[.retryAfter] = "10" }
            refused.headerFields[.contentLength] = "0"
            return try await writer.writeResponse(refused)
        }
        defer { subscription.end() }
        let body = try await writer.writeHead(head(answer))
        try await request.body.consumeWithInboundCloseHandler { _ in
            var body = body
            for await piece in subscription.pieces {
                let cutOff = channel.eventLoop.scheduleTask(in: TimeAmount(readTimeout)) { channel.close(promise: nil) }
                defer { cutOff.cancel() }
                try await body.write(ByteBuffer(string: piece))
            }
        } onInboundClosed: {
            subscription.end()
        }
        channel.close(promise: nil)
    }
}

extension SiteRequest {
    fileprivate init(_ request: Request, isTooLong: Bool) {
        var query: [String: String] = [:]
        for (name, value) in request.uri.queryParameters { query[String(name)] = String(value) }
        self.init(
            request.method.rawValue, request.uri.path, query: query, host: request.head.authority,
            origin: request.headers[.origin], authorization: request.headers[.authorization],
            accept: request.headers[.accept], knownTags: request.headers[.ifNoneMatch], isTooLong: isTooLong)
    }
}
