import Queueing
import Testing
import Wire

@Suite("Messages in parts")
struct StorePartsTests {
    private let samples = [storedSample(1, rows: 2), storedSample(2, rows: 3), storedSample(3, rows: 2)]
    private let values = (0..<14).map(Float.init)

    /// A part with its rows of `values`.
    private func part(_ part: UInt32, of parts: UInt32, _ samples: [StoredSample], codec: PayloadCodec = .f32)
        -> StoreChange
    {
        let place = MessagePart(device: 4, sequence: 9, part: part, parts: parts)
        let rows = place.rows(of: 7) ?? 0..<0
        let bytes = codec.bytes(of: Array(values[rows.lowerBound * 2..<rows.upperBound * 2]))
        return .message(place, samples: samples, payload: Frame(bytes), codec: codec)
    }

    @Test("the rows of all parts are the message's, each once")
    func rows() {
        for rows in 1...40 {
            for limit in 1...rows {
                let parts = UInt32((rows - 1) / limit + 1)
                let ranges = (0..<parts).map {
                    MessagePart(device: 0, sequence: 1, part: $0, parts: parts).rows(of: rows)
                }
                #expect(ranges.flatMap { $0.map(Array.init) ?? [] } == Array(0..<rows))
                #expect(!ranges.contains(nil))
            }
        }
        #expect(MessagePart(device: 0, sequence: 1, part: 3, parts: 4).rows(of: 5) == nil)
        #expect(MessagePart(device: 0, sequence: 1, part: 2, parts: 2).rows(of: 5) == nil)
        #expect(MessagePart(device: 0, sequence: 1, part: 0, parts: 0).rows(of: 5) == nil)
        let last = MessagePart(device: 0, sequence: 1, part: .max - 1, parts: .max).rows(of: .max)
        #expect(last?.upperBound == .max)
    }

    @Test(
        "samples exist when all parts are there, in whatever order and codec they come", arguments: StoreKind.allCases,
        PayloadCodec.allCases)
    func anyOrder(kind: StoreKind, codec: PayloadCodec) throws {
        for (parts, order) in [(7, [3, 0, 6, 2, 5, 1, 4]), (3, [2, 1, 0]), (4, [0, 1, 2, 3]), (2, [0, 1])]
            as [(UInt32, [UInt32])]
        {
            try kind.use(codec: codec) { store throws in
                for (i, number) in order.enumerated() {
                    let change = part(number, of: parts, samples, codec: i % 2 == 0 ? .f32 : .bf16)
                    let isLast = i + 1 == order.count
                    #expect(try store.make(change) == (isLast ? .complete : .done))
                    // A part that is acknowledged and comes again is acknowledged again.
                    #expect(try store.make(change) == .done)
                    #expect(store.count == (isLast ? 3 : 0))
                    let kept = store.storedParts(of: 4)[9]
                    #expect(kept?.stored == (isLast ? nil : Set(order[...i])))
                    #expect(kept?.parts == (isLast ? nil : parts))
                }
                let kept = codec.kept(values)
                #expect(try store.values(of: 1) == Array(kept[..<4]))
                #expect(try store.values(of: 2) == Array(kept[4..<10]))
                #expect(try store.values(of: 3) == Array(kept[10...]))
                #expect(store.settledSequences(of: 4).ranges == [9...9])
                #expect(store.bytes == 7 * codec.bytesPerRow(columns: 2) + 7 * 4)
            }
        }
    }

    @Test(
        "parts that describe the message otherwise take the place of those stored so far", arguments: StoreKind.allCases
    )
    func anotherCut(kind: StoreKind) throws {
        try kind.use { store throws in
            try store.make(part(0, of: 3, samples))
            try store.make(part(2, of: 3, samples))
            #expect(store.bytes == 8 * 4)
            let others = samples.map { $0.advanced(to: 7) }
            try store.make(part(0, of: 3, others))
            #expect(store.storedParts(of: 4)[9]?.stored == [0])
            #expect(store.bytes == 6 * 4)
            try store.make(part(1, of: 2, others))
            #expect(store.storedParts(of: 4)[9]?.stored == [1])
            #expect(try store.make(part(0, of: 2, others)) == .complete)
            #expect(store.samples() == others)
            #expect(try store.values(of: 2) == Array(values[4..<10]))
            #expect(store.storedParts(of: 4).isEmpty)
            #expect(store.bytes == 14 * 4 + 7 * 4)
        }
    }

    @Test("a part of another size, and one that no message has, is refused", arguments: StoreKind.allCases)
    func wrong(kind: StoreKind) throws {
        try kind.use { store throws in
            let bytes = PayloadCodec.f32.bytes(of: [1, 2])
            for (number, parts) in [(0, 3), (3, 3), (6, 6), (0, 0)] as [(UInt32, UInt32)] {
                let place = MessagePart(device: 4, sequence: 9, part: number, parts: parts)
                #expect(throws: StoreError.self) {
                    try store.make(.message(place, samples: samples, payload: Frame(bytes), codec: .f32))
                }
            }
            #expect(store.storedParts(of: 4).isEmpty && store.bytes == 0)
        }
    }

    @Test("parts count against the capacity", arguments: StoreKind.allCases)
    func capacity(kind: StoreKind) throws {
        try kind.use(capacityBytes: 14 * 4 + 7 * 4 - 1) { store throws in
            try store.make(part(0, of: 2, samples))
            #expect(throws: StoreError.full(neededBytes: 6 * 4 + 7 * 4, freeBytes: 6 * 4 + 7 * 4 - 1)) {
                try store.make(part(1, of: 2, samples))
            }
            #expect(store.storedParts(of: 4)[9]?.stored == [0])
            #expect(store.bytes == 8 * 4)
        }
    }
}
