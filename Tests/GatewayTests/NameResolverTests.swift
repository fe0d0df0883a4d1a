import NIOCore
import NIOPosix
import Testing

@testable import Gateway

@Suite("Names at a gateway")
struct NameResolverTests {
    @Test("a name has its addresses, an unknown one none, and what is not wanted any more is not looked up")
    func names() async throws {
        let pool = NIOThreadPool(numberOfThreads: 2), loop = MultiThreadedEventLoopGroup.singleton.next()
        pool.start()
        let resolver = NameResolver(pool, loop)
        let found = try await resolver.initiateAQuery(host: "localhost", port: 7070).get()
        #expect(found.map(\.ipAddress) == ["127.0.0.1"] && found.map(\.port) == [7070])
        let unknown = try await resolver.initiateAAAAQuery(host: "nobody.invalid", port: 1).get()
        #expect(unknown.isEmpty)
        resolver.cancelQueries()
        let unwanted = try await resolver.initiateAQuery(host: "localhost", port: 7070).get()
        #expect(unwanted.isEmpty)
        try await pool.shutdownGracefully()
    }
}
