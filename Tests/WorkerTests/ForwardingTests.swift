import Queueing
import Testing
import Wire

@testable import Worker

@Suite("What a replica sends on")
struct ForwardingTests {
    /// A message of three samples, which a store has.
    private static func stored(_ store: MemoryActivationStore) throws -> StoredMessage {
        let samples = (0..<3).map { StoredSample(id: $0, targets: [1], rows: 1, columns: 4, cut: 4) }
        let part = MessagePart(device: 0, sequence: 1, part: 0, parts: 1)
        _ = try store.apply([
            .message(part, samples: samples, payload: Frame([UInt8](repeating: 0, count: 48)), codec: .f32)
        ])
        return try #require(store.messages().first)
    }

    @Test("a message whose answer does not come is not waited for, however often the leader speaks")
    func stalled() throws {
        let store = MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
        var forwarding = Forwarding(store)
        forwarding.add(try Self.stored(store))
        var isHopeful = forwarding.take(.welcome(.init(creditBytes: 1000, settled: [])), now: .seconds(100))
        #expect(!forwarding.isStalled(now: .seconds(200)), "nothing was sent")
        let next = try forwarding.next(now: .seconds(200))
        #expect(next != nil)
        #expect(!forwarding.isStalled(now: .seconds(209)))
        isHopeful = isHopeful && forwarding.take(.heartbeatReply(time: 1), now: .seconds(209))
        #expect(forwarding.isStalled(now: .seconds(210)))
        isHopeful =
            isHopeful && forwarding.take(.ack(.init(sequence: 1, creditBytes: 48, origin: 1)), now: .seconds(211))
        #expect(!forwarding.isStalled(now: .seconds(300)) && forwarding.complete == 1 && isHopeful)
    }
}
