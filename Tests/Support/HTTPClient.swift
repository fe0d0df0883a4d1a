import Foundation

/// Asks a server on this machine by hand, byte by byte, so that nothing is added or followed that a test did not want.
public struct HTTPClient: Sendable {
    /// What came back.
    public struct Answer: Sendable {
        /// The number of HTTP.
        public let status: Int
        /// By lower-case name.
        public let headers: [String: String]
        /// Everything behind the headers, as it came.
        public let body: String
    }

    private let port: UInt16

    /// A client of a port on 127.0.0.1.
    public init(port: UInt16) { self.port = port }

    /// Asks, and reads to the end of the connection.
    ///
    /// - Returns: nil when nobody listens there.
    public func ask(_ method: String, _ path: String, _ headers: [String: String] = [:]) throws -> Answer? {
        guard let connection = TCPConnection(port: port) else { return nil }
        send(method, path, headers.merging(["Connection": "close"]) { $1 }, connection)
        var text = ""
        while let piece = connection.read() { text += String(decoding: piece, as: UTF8.self) }
        return Self.answer(text)
    }

    /// Gets a text that has to be there.
    public func get(_ path: String, _ headers: [String: String] = [:]) throws -> String {
        guard let answer = try ask("GET", path, headers), answer.status == 200 else { throw Missing(path: path) }
        return answer.body
    }

    /// Reads a stream of events until a piece of it satisfies the test.
    ///
    /// - Returns: nil when none has within so many seconds.
    public func event(_ path: String, within seconds: Int, _ isIt: (String) -> Bool) -> String? {
        guard let connection = TCPConnection(port: port, seconds: seconds) else { return nil }
        send("GET", path, [:], connection)
        var text = ""
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end, let piece = connection.read() {
            text += String(decoding: piece, as: UTF8.self)
            if let found = text.split(separator: "\n").last(where: { $0.hasPrefix("data: ") && isIt(String($0)) }) {
                return String(found.dropFirst("data: ".count))
            }
        }
        return nil
    }

    private struct Missing: Error {
        let path: String
    }

    private func send(_ method: String, _ path: String, _ headers: [String: String], _ connection: TCPConnection) {
        let all = ["Host": "127.0.0.1:\(port)"].merging(headers) { $1 }
        let text = "\(method) \(path) HTTP/1.1\r\n" + all.map { "\($0): \($1)\r\n" }.joined() + "\r\n"
        connection.send(Array(text.utf8))
    }

    private static func answer(_ text: String) -> Answer? {
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        let headers = lines.dropFirst().reduce(into: [String: String]()) { headers, line in
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 {
                headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return status.map { Answer(status: $0, headers: headers, body: String(text[end.upperBound...])) }
    }
}
