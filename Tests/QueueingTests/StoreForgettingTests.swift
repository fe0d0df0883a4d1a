import Queueing
import Testing
import Wire

/// What damaged messages, restarts and hand-overs need of every store.
@Suite("Stores forget and list messages")
struct StoreForgettingTests {
    private func put(
        _ store: any ActivationStore, _ sequence: UInt64, _ ids: [UInt64], part: UInt32 = 0, of parts: UInt32 = 1
    )
        throws -> StoreOutcome
    {
        let place = MessagePart(device: 0, sequence: sequence, part: part, parts: parts)
        let samples = ids.map { StoredSample(id: $0, targets: [1], rows: 1, columns: 2, cut: 3) }
        let rows = place.rows(of: ids.count)?.count ?? 0
        let payload = Frame([UInt8](repeating: UInt8(sequence), count: rows * 8))
        return try store.apply([.message(place, samples: samples, payload: payload, codec: .f32)])[0].get()
    }

    @Test("a forgotten message is as if it had never come, and may come again", arguments: StoreKind.allCases)
    func forget(kind: StoreKind) throws {
        try kind.use { store throws in
            #expect(try put(store, 1, [3, 1]) == .complete)
            let (bytes, count) = (store.bytes, store.count)
            #expect(try put(store, 2, [0, 2, 4]) == .complete)
            #expect(try put(store, 3, [7, 8], part: 1, of: 2) == .done)
            #expect(store.messages().map(\.sequence) == [1, 2])
            #expect(store.messages().map { $0.samples.map(\.id) } == [[1, 3], [0, 2, 4]])
            for sequence: UInt64 in [2, 3, 9] { _ = try store.apply([.forget(device: 0, sequence: sequence)])[0].get() }
            #expect(store.bytes == bytes && store.count == count)
            #expect(store.settledSequences(of: 0).ranges == [1...1] && store.storedParts(of: 0).isEmpty)
            #expect(!store.contains(2))
            #expect(try put(store, 2, [0, 2, 4]) == .complete)
            #expect(store.settledSequences(of: 0).ranges == [1...2])
        }
    }

    @Test("a message that is forgotten and comes again in one group is there afterwards", arguments: StoreKind.allCases)
    func forgetInGroup(kind: StoreKind) throws {
        try kind.use { store throws in
            #expect(try put(store, 1, [5]) == .complete)
            let bytes = store.bytes
            let place = MessagePart(device: 0, sequence: 1)
            let sample = StoredSample(id: 5, targets: [1], rows: 1, columns: 2, cut: 3)
            let again = StoreChange.message(
                place, samples: [sample], payload: Frame([UInt8](repeating: 9, count: 8)), codec: .f32)
            let results = try store.apply([
                .forget(device: 0, sequence: 1), again, .forget(device: 0, sequence: 1), again,
            ])
            #expect(try results.map { try $0.get() } == [.done, .complete, .done, .complete])
            #expect(store.bytes == bytes && store.count == 1)
            #expect(try store.withBytes(of: 5) { $1.first } == 9)
        }
    }
}
