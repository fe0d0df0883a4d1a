import Foundation

/// What `permafrost health` asks, and how it reads the answer. It touches no socket.
public struct HealthQuestion: Equatable, Sendable {
    /// The largest answer that is read; a longer one is cut off.
    static let maximumBytes = 16 << 10

    /// The address as one reads it.
    public let url: String
    let host: String
    let port: String
    private let path: String

    /// A question to a role's HTTP server.
    ///
    /// - Parameters:
    ///   - url: `http://HOST:PORT`, or with a path, which is then asked for.
    ///   - ready: whether to ask if the role is ready rather than alive, where the address has no path.
    /// - Throws: `HealthError.malformedURL`.
    public init(_ url: String, ready: Bool) throws(HealthError) {
        guard let parts = URLComponents(string: url), parts.scheme == "http", let host = parts.host, !host.isEmpty,
            parts.user == nil, (1...65535).contains(parts.port ?? 80)
        else { throw .malformedURL(url) }
        let isBare = parts.path.isEmpty || parts.path == "/"
        self.host = host.trimmingCharacters(in: ["[", "]"])
        port = String(parts.port ?? 80)
        path = isBare ? (ready ? "/readyz" : "/healthz") : parts.percentEncodedPath
        self.url = "http://\(host):\(port)\(path)"
    }

    /// The bytes to send. HTTP/1.0: whoever answers ends the connection, and nothing comes in chunks.
    var request: [UInt8] {
        Array("GET \(path) HTTP/1.0\r\nHost: \(host):\(port)\r\nConnection: close\r\n\r\n".utf8)
    }

    /// The first line of a good answer's text.
    ///
    /// - Throws: `HealthError.notHTTP`, `.unwell` for every status but 200.
    func read(_ answer: [UInt8]) throws(HealthError) -> String {
        let text = String(decoding: answer, as: UTF8.self)
        let words = text.prefix { !$0.isNewline }.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw .notHTTP(url: url)
        }
        let body = text.range(of: "\r\n\r\n").map { text[$0.upperBound...].prefix { !$0.isNewline } } ?? ""
        let line = String(body.prefix(200))
        guard status == 200 else { throw .unwell(url: url, status: status, text: line) }
        return line
    }
}
