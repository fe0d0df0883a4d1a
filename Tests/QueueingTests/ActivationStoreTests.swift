import Dispatch
import Testing
import Wire

@testable import Queueing

/// What every activation store must do.
@Suite("Activation store")
struct ActivationStoreTests {
    @Test(
        "samples of a message come back one by one, in any codec", arguments: StoreKind.allCases, PayloadCodec.allCases)
    func putAndRead(kind: StoreKind, codec: PayloadCodec) throws {
        for payloadCodec in PayloadCodec.allCases {
            try kind.use(codec: codec) { store throws in
                let samples = [storedSample(8, rows: 1), storedSample(9, rows: 2)]
                #expect(try store.put(samples, [1, 2, 3, 4, 5, 6], payloadCodec: payloadCodec) == .complete)
                #expect(store.count == 2)
                #expect(store.bytes == 3 * codec.bytesPerRow(columns: 2) + 3 * 4)
                #expect(store.contains(9) && !store.contains(10))
                #expect(store.samples() == samples)
                #expect(try store.values(of: 9) == codec.kept(payloadCodec.kept([3, 4, 5, 6])))
                #expect(try store.values(of: 8) == codec.kept(payloadCodec.kept([1, 2])))
            }
        }
    }

    @Test("f32 activations are kept bit for bit", arguments: StoreKind.allCases)
    func exact(kind: StoreKind) throws {
        try kind.use { store throws in
            let values: [Float] = [0.1, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
            try store.put([storedSample(1, rows: 2)], values)
            #expect(try store.values(of: 1).map(\.bitPattern) == values.map(\.bitPattern))
        }
    }

    @Test("lent activations are aligned for their codec, small and large", arguments: StoreKind.allCases)
    func aligned(kind: StoreKind) throws {
        try kind.use(capacityBytes: 1 << 20) { store throws in
            for rows in [1, 3, 7, 200, 600, 1100] {
                let values = (0..<rows * 2).map { Float($0) }
                try store.put([storedSample(UInt64(rows), rows: rows)], values, sequence: UInt64(rows))
                let address = try store.withBytes(of: UInt64(rows)) { UInt(bitPattern: $1.baseAddress) }
                #expect(address % 16 == 0, "\(rows) rows")
                #expect(try store.values(of: UInt64(rows)) == values)
            }
        }
    }

    @Test("no store holds a frame any longer than it takes to keep what is in it", arguments: StoreKind.allCases)
    func frameIsReleased(kind: StoreKind) throws {
        for rows in [200, 20_000] {
            try kind.use(capacityBytes: 1 << 20) { store throws in
                let released = try WakeSignal()
                try store.make(
                    .message(
                        MessagePart(device: 0, sequence: 1), samples: [storedSample(1, rows: rows)],
                        payload: frame(rows: rows, released), codec: .f32))
                #expect(released.drain())
                let expected = (0..<rows * 8).map { UInt8(truncatingIfNeeded: $0) }
                #expect(try store.withBytes(of: 1) { Array($1) } == expected)
            }
        }
    }

    private func frame(rows: Int, _ released: WakeSignal) -> Frame {
        let slab = Slab(count: rows * 8, released: released)
        return Frame(owner: slab, bytes: slab.bytes)
    }

    @Test("bf16 payloads that are not aligned are stored too", arguments: StoreKind.allCases)
    func unaligned(kind: StoreKind) throws {
        try kind.use(codec: .bf16) { store throws in
            let slab = Slab(copying: [9, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])
            let frame = Frame(owner: slab, bytes: UnsafeRawBufferPointer(rebasing: slab.bytes[1...]))
            let part = MessagePart(device: 0, sequence: 1)
            try store.make(.message(part, samples: [storedSample(1, rows: 1)], payload: frame, codec: .f32))
            #expect(try store.values(of: 1) == [1, 2])
        }
    }

    @Test(
        "a message that does not fit is refused as a whole, with the bytes it needs and the bytes there are",
        arguments: StoreKind.allCases)
    func full(kind: StoreKind) throws {
        try kind.use(capacityBytes: 60) { store throws in
            try store.put([storedSample(1, rows: 2)], [1, 2, 3, 4])
            #expect(throws: StoreError.full(neededBytes: 48, freeBytes: 36)) {
                try store.put(
                    [storedSample(2, rows: 2), storedSample(3, rows: 2)], .init(repeating: 0, count: 8), sequence: 2)
            }
            #expect(store.count == 1)
            #expect(store.bytes == 24)
            #expect(!store.settledSequences(of: 0).contains(2))
            try store.put([storedSample(2, rows: 3)], .init(repeating: 0, count: 6), sequence: 2)
            #expect(store.bytes == 60)
        }
    }

    @Test(
        "a sample cannot be stored twice, and the rest of its message is not stored either",
        arguments: StoreKind.allCases)
    func duplicate(kind: StoreKind) throws {
        try kind.use { store throws in
            try store.put([storedSample(1, rows: 1)], [1, 2])
            #expect(throws: StoreError.duplicate(sample: 1)) {
                try store.put([storedSample(2, rows: 1), storedSample(1, rows: 1)], [3, 4, 5, 6], sequence: 2)
            }
            #expect(throws: StoreError.duplicate(sample: 3)) {
                try store.put([storedSample(3, rows: 1), storedSample(3, rows: 1)], [3, 4, 5, 6], sequence: 2)
            }
            #expect(store.count == 1)
            #expect(try store.values(of: 1) == [1, 2])
        }
    }

    @Test("a message that came before changes nothing, whatever it brings now", arguments: StoreKind.allCases)
    func again(kind: StoreKind) throws {
        try kind.use { store throws in
            #expect(try store.put([storedSample(1, rows: 1)], [1, 2]) == .complete)
            #expect(try store.put([storedSample(1, rows: 1)], [3, 4]) == .done)
            #expect(try store.put([storedSample(2, rows: 1)], [3, 4]) == .done)
            #expect(store.count == 1)
            #expect(try store.values(of: 1) == [1, 2])
            #expect(store.settledSequences(of: 0).ranges == [1...1])
            #expect(store.settledSequences(of: 1).isEmpty)
        }
    }

    @Test("the missing blocks' results take the place of what the device sent", arguments: StoreKind.allCases)
    func replace(kind: StoreKind) throws {
        try kind.use(capacityBytes: 24) { store throws in
            try store.put([storedSample(1, rows: 1), storedSample(2, rows: 1)], [1, 2, 3, 4])
            try store.put(
                [storedSample(1, rows: 1, cut: 24), storedSample(2, rows: 1, cut: 24)], [5, 6, 7, 8], replacing: true)
            #expect(store.sample(2) == storedSample(2, rows: 1, cut: 24))
            #expect(try store.values(of: 2) == [7, 8])
            #expect(store.bytes == 24)
            #expect(throws: StoreError.missing(sample: 3)) {
                try store.put([storedSample(1, rows: 1), storedSample(3, rows: 1)], [0, 0, 0, 0], replacing: true)
            }
            #expect(throws: StoreError.full(neededBytes: 24, freeBytes: 12)) {
                try store.put([storedSample(1, rows: 2)], [0, 0, 0, 0], replacing: true)
            }
            #expect(try store.values(of: 1) == [5, 6])
        }
    }

    @Test("shapes that do not add up to the payload are refused", arguments: StoreKind.allCases)
    func wrongSize(kind: StoreKind) throws {
        try kind.use { store throws in
            #expect(throws: StoreError.wrongSize(bytes: 8, expected: 16)) {
                try store.put([storedSample(1, rows: 2)], [1, 2])
            }
            #expect(throws: StoreError.wrongSize(bytes: 8, expected: .max)) {
                try store.put([boundless(1), boundless(2)], [1, 2])
            }
            #expect(throws: StoreError.missing(sample: 1)) { try store.values(of: 1) }
            #expect(store.count == 0)
        }
    }

    @Test("one change that fails does not harm those before and after it", arguments: StoreKind.allCases)
    func group(kind: StoreKind) throws {
        try kind.use { store throws in
            func message(_ sequence: UInt64, _ id: UInt64) -> StoreChange {
                .message(
                    MessagePart(device: 3, sequence: sequence), samples: [storedSample(id, rows: 1)],
                    payload: Frame(PayloadCodec.f32.bytes(of: [Float(sequence), 0])), codec: .f32)
            }
            let results = try store.apply([message(1, 1), message(2, 1), message(1, 1), message(3, 2)])
            #expect(
                results == [.success(.complete), .failure(.duplicate(sample: 1)), .success(.done), .success(.complete)])
            #expect(store.settledSequences(of: 3).ranges == [1...1, 3...3])
            #expect(try store.values(of: 2) == [3, 0])
        }
    }

    @Test(
        "dead letters are kept, the latest of each message, with the first bytes of the header",
        arguments: StoreKind.allCases)
    func deadLetters(kind: StoreKind) throws {
        try kind.use { store throws in
            func letter(_ device: UInt32, _ sequence: UInt64, _ error: String, header: Int = 10) -> DeadLetter {
                DeadLetter(
                    deviceID: "device-\(device)", device: device, sequence: sequence, errorNumber: 31, error: error,
                    header: [UInt8](repeating: 7, count: header))
            }
            let letters = [letter(2, 1, "later"), letter(1, 9, "ärger"), letter(1, 10, "long", header: 100_000)]
            for letter in [letter(2, 1, "sooner")] + letters { try store.make(.deadLetter(letter)) }
            #expect(store.deadLetters() == [letters[1], letters[2], letters[0]])
            #expect(store.deadLetters()[1].header.count == DeadLetter.headerLimit)
        }
    }

    @Test("activations that are being read outlive their replacement", arguments: StoreKind.allCases)
    func readWhileReplaced(kind: StoreKind) throws {
        try kind.use(capacityBytes: 1 << 20) { store throws in
            // Large enough for pages of their own, which the next transactions would like to have.
            let old = [Float](repeating: 1, count: 8000), new = [Float](repeating: 2, count: 8000)
            try store.put([storedSample(1, rows: 4000)], old)
            let seen = try store.withBytes(of: 1) { _, bytes in
                for _ in 0..<4 { _ = try? store.put([storedSample(1, rows: 4000)], new, replacing: true) }
                return PayloadCodec.f32.view(bytes).map(Array.init)
            }
            #expect(seen == old)
            #expect(try store.values(of: 1) == new)
        }
    }

    @Test("many threads may write and read at once", arguments: StoreKind.allCases)
    func threads(kind: StoreKind) throws {
        try kind.use { store throws in
            DispatchQueue.concurrentPerform(iterations: 8) { thread in
                for i in 0..<25 {
                    let id = UInt64(thread * 25 + i)
                    #expect(throws: Never.self) {
                        try store.put([storedSample(id, rows: 1)], [Float(id), 1], sequence: id + 1)
                        try store.put([storedSample(id, rows: 1)], [Float(id), 2], replacing: true)
                        #expect(try store.values(of: id) == [Float(id), 2])
                    }
                }
            }
            #expect(store.count == 200)
            #expect(store.bytes == 200 * (8 + 4))
            #expect(store.settledSequences(of: 0).ranges == [1...200])
        }
    }

    private func boundless(_ id: UInt64) -> StoredSample {
        StoredSample(id: id, targets: [0], rows: .max / 4, columns: 2, cut: 6)
    }
}
