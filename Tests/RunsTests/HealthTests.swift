import Diagnostics
import Foundation
import Testing

@testable import Runs

@Suite("Health of a role")
struct HealthTests {
    @Test("an address without a path is asked whether it is alive, or ready; one with a path as it is")
    func addresses() throws {
        #expect(try HealthQuestion("http://127.0.0.1:9464", ready: false).url == "http://127.0.0.1:9464/healthz")
        #expect(try HealthQuestion("http://[::1]:9464/", ready: true).url == "http://[::1]:9464/readyz")
        #expect(try HealthQuestion("http://worker/a%20b", ready: true).url == "http://worker:80/a%20b")
    }

    @Test(
        "what is no address of plain HTTP is refused",
        arguments: [
            "", "127.0.0.1:9464", "https://host:1", "http://", "http://host:0", "http://host:70000", "http://a:b@c",
        ])
    func malformed(url: String) {
        #expect(throws: HealthError.malformedURL(url)) { try HealthQuestion(url, ready: false) }
        #expect(HealthError.malformedURL(url).exitCode == .usage)
    }

    @Test("an answer is read by its status, and its text's first line is told")
    func answers() throws {
        let question = try HealthQuestion("http://h:1/x", ready: false)
        #expect(try question.read(Array("HTTP/1.1 200 OK\r\nA: b\r\n\r\nwell\nand more".utf8)) == "well")
        #expect(try question.read(Array("HTTP/1.0 200\r\n\r\n".utf8)) == "")
        #expect(throws: HealthError.unwell(url: "http://h:1/x", status: 503, text: "no plan yet")) {
            try question.read(Array("HTTP/1.1 503 Service Unavailable\r\n\r\nno plan yet".utf8))
        }
        for text in ["", "hello", "HTTP/1.1", "HTTP/1.1 ok fine", "SSH-2.0-x 200 y"] {
            #expect(throws: HealthError.notHTTP(url: "http://h:1/x")) { try question.read(Array(text.utf8)) }
        }
    }

    @Test("a server's answer arrives over a socket, in however many parts")
    func asking() throws {
        let server = try OneAnswer(["HTTP/1.1 200 OK\r\nContent-", "Length: 4\r\n\r\nwe", "ll"])
        let question = try HealthQuestion("http://127.0.0.1:\(server.port)", ready: true)
        #expect(try question.ask(timeoutSeconds: 30) == "well")
        #expect(server.request().hasPrefix("GET /readyz HTTP/1.0\r\nHost: 127.0.0.1:\(server.port)\r\n"))
    }

    @Test("nobody there is an error of the transport")
    func nobody() throws {
        let port = try OneAnswer.freePort()
        let error = #expect(throws: HealthError.self) {
            try HealthQuestion("http://127.0.0.1:\(port)", ready: false).ask(timeoutSeconds: 30)
        }
        #expect(error?.exitCode == .transportFailed && error?.problem.contains("refused") == true)
    }
}

/// A server that answers one connection and is gone.
private final class OneAnswer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let heard = Pipe()

    init(_ parts: [String]) throws {
        (listener, port) = try Self.listen()
        Thread { [listener, heard] in
            let connection = accept(listener, nil, nil)
            var request = [UInt8](repeating: 0, count: 4096)
            let count = recv(connection, &request, request.count, 0)
            heard.fileHandleForWriting.write(Data(request.prefix(max(0, count))))
            try? heard.fileHandleForWriting.close()
            for part in parts { _ = send(connection, Array(part.utf8), part.utf8.count, Int32(MSG_NOSIGNAL)) }
            close(connection)
            close(listener)
        }.start()
    }

    /// What it was sent.
    func request() -> String { String(decoding: heard.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) }

    /// A port at which nobody listens any more.
    static func freePort() throws -> UInt16 {
        let (listener, port) = try listen()
        close(listener)
        return port
    }

    private static func listen() throws -> (Int32, UInt16) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && Glibc.listen(listener, 1) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        try #require(code)
        return (listener, address.sin_port.bigEndian)
    }
}
