import Synchronization
import Testing

@testable import Monitoring

@Suite("States as they come")
struct StateFeedTests {
    /// A state that the test changes.
    private final class Source: Sendable {
        private let number = Mutex(1)

        func change() { number.withLock { $0 += 1 } }

        @Sendable func state() -> StateFeed.State? {
            number.withLock { StateFeed.State(number: $0, json: "{\"n\":\($0)}") }
        }
    }

    @Test("a listener gets the state at once, then what changes, and a sign of life when nothing does for long")
    func changes() async throws {
        let source = Source()
        let feed = StateFeed { source.state() }
        let subscription = try #require(await feed.subscribe())
        var pieces = subscription.pieces.makeAsyncIterator()
        #expect(await pieces.next() == "retry: 2000\n\n")
        #expect(await pieces.next() == "event: state\ndata: {\"n\":1}\n\n")
        source.change()
        await feed.look()
        #expect(await pieces.next() == "event: state\ndata: {\"n\":2}\n\n")
        for _ in 0..<15 { await feed.look() }
        #expect(await pieces.next() == ": still here\n\n")
        subscription.end()
        #expect(await pieces.next() == nil)
    }

    @Test("who reads slowly gets the newest state, and no more than 64 listen")
    func limits() async throws {
        let source = Source()
        let feed = StateFeed { source.state() }
        let slow = try #require(await feed.subscribe())
        for _ in 0..<10 {
            source.change()
            await feed.look()
        }
        var newest = ""
        var pieces = slow.pieces.makeAsyncIterator()
        for _ in 0..<3 { newest = await pieces.next() ?? "" }
        #expect(newest == "event: state\ndata: {\"n\":11}\n\n")
        var others: [StateFeed.Subscription] = []
        while others.count < 64, let other = await feed.subscribe() { others.append(other) }
        #expect(others.count == StateFeed.most - 1)
    }
}
