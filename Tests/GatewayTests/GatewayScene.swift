import Diagnostics
import Foundation
import Support
import Synchronization
import Testing

@testable import Gateway

/// A gateway on this machine, and all that it told.
final class GatewayScene: Sendable {
    let gateway: Gateway
    private let told: News

    /// - Parameter ports: of 127.0.0.1, to which it leads.
    init(
        to ports: [UInt16], listening port: Int = 0, _ configure: (inout Gateway.Configuration) -> Void = { _ in }
    ) throws {
        var configuration = Gateway.Configuration(
            address: HostAndPort(host: "127.0.0.1", port: port),
            allowed: ports.flatMap { ["127.0.0.1:\($0)", "localhost:\($0)"] }.compactMap { AllowedDestination($0) })
        configure(&configuration)
        let told = News()
        self.told = told
        gateway = try Gateway(configuration) { event in told.events.withLock { $0.append(event) } }
    }

    deinit {
        gateway.stop()
        gateway.run()
    }

    private final class News: Sendable {
        let events = Mutex<[GatewayEvent]>([])
    }

    var events: [GatewayEvent] { told.events.withLock { $0 } }

    var port: UInt16 { UInt16(gateway.address.port) }

    /// Why clients were sent away, in order.
    var refusals: [GatewayRefusal] {
        events.compactMap { if case .refused(_, _, let reason, _) = $0 { reason } else { nil } }
    }

    /// Waits until something holds of it.
    func comes(_ holds: (GatewayScene) -> Bool) -> Bool {
        for _ in 0..<2000 where !holds(self) { usleep(10_000) }
        return holds(self)
    }

    func connection(seconds: Int = 20) throws -> TCPConnection {
        try #require(TCPConnection(port: port, seconds: seconds))
    }

    /// A client that has got as far as its destination.
    func client(of port: UInt16, host: String = "localhost") throws -> TCPConnection {
        let client = try connection()
        #expect(client.asks(SOCKS.request(host, port)) == SOCKS.reply(0))
        return client
    }
}

extension TCPConnection {
    /// Greets, and then asks for something.
    ///
    /// - Returns: what it is told.
    func asks(_ request: [UInt8]) -> [UInt8] {
        send(SOCKS.greeting)
        guard read(exactly: 2) == [5, 0] else { return [] }
        send(request)
        return read(exactly: 10)
    }
}

/// What a client says, and what it is told (RFC 1928).
enum SOCKS {
    static let greeting: [UInt8] = [5, 1, 0]

    static func request(_ host: String, _ port: UInt16, command: UInt8 = 1) -> [UInt8] {
        request(Array(host.utf8), port, command: command)
    }

    static func request(_ host: [UInt8], _ port: UInt16, command: UInt8 = 1) -> [UInt8] {
        [5, command, 0, 3, UInt8(host.count)] + host + [UInt8(port >> 8), UInt8(port & 255)]
    }

    static func request(lastByteOfIPv6 byte: UInt8, _ port: UInt16) -> [UInt8] {
        [5, 1, 0, 4] + [UInt8](repeating: 0, count: 15) + [byte, UInt8(port >> 8), UInt8(port & 255)]
    }

    static func reply(_ code: UInt8) -> [UInt8] { [5, code, 0, 1, 0, 0, 0, 0, 0, 0] }
}
