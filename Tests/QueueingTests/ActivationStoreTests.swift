import Dispatch
import Queueing
import Testing
import Wire

/// What every activation store must do.
@Suite("Activation store")
struct ActivationStoreTests {
    private func store(capacityBytes: Int = 1 << 16, codec: PayloadCodec = .f32) -> any ActivationStore {
        MemoryActivationStore(capacityBytes: capacityBytes, codec: codec)
    }

    /// A sample with a target of four bytes for each row.
    private func sample(_ id: UInt64, rows: Int, cut: Int = 6) -> StoredSample {
        StoredSample(
            id: id, targets: (0..<rows).map { Int32(truncatingIfNeeded: id) + Int32($0) }, rows: rows, columns: 2,
            cut: cut)
    }

    @Test("samples of a message come back one by one, in any codec", arguments: PayloadCodec.allCases)
    func putAndRead(codec: PayloadCodec) throws {
        for payloadCodec in PayloadCodec.allCases {
            let store = store(codec: codec)
            let values: [Float] = [1, 2, 3, 4, 5, 6]
            try put([sample(8, rows: 1), sample(9, rows: 2)], values, into: store, payloadCodec: payloadCodec)
            #expect(store.count == 2)
            #expect(store.bytes == 6 * codec.bytesPerValue + 3 * 4)
            #expect(store.contains(9) && !store.contains(10))
            #expect(store.sample(9) == sample(9, rows: 2))
            #expect(try read(9, 4, from: store) == [3, 4, 5, 6])
            #expect(try read(8, 2, from: store) == [1, 2])
        }
    }

    @Test("f32 activations are kept bit for bit")
    func exact() throws {
        let store = store()
        let values: [Float] = [0.1, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
        try put([sample(1, rows: 2)], values, into: store)
        #expect(try read(1, 4, from: store).map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test("bf16 payloads that are not aligned are stored too")
    func unaligned() throws {
        let store = store(codec: .bf16)
        let bytes: [UInt8] = [9, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
        try bytes.withUnsafeBytes {
            try store.put(
                [sample(1, rows: 1)], payload: UnsafeRawBufferPointer(rebasing: $0[1...]), payloadCodec: .f32)
        }
        #expect(try read(1, 2, from: store) == [1, 2])
    }

    @Test("a message that does not fit is refused as a whole, with the bytes it needs and the bytes there are")
    func full() throws {
        let store = store(capacityBytes: 60)
        try put([sample(1, rows: 2)], [1, 2, 3, 4], into: store)
        #expect(throws: StoreError.full(neededBytes: 48, freeBytes: 36)) {
            try put([sample(2, rows: 2), sample(3, rows: 2)], .init(repeating: 0, count: 8), into: store)
        }
        #expect(store.count == 1)
        #expect(store.bytes == 24)
        try put([sample(2, rows: 3)], .init(repeating: 0, count: 6), into: store)
        #expect(store.bytes == 60)
    }

    @Test("a sample cannot be stored twice, and the rest of its message is not stored either")
    func duplicate() throws {
        let store = store()
        try put([sample(1, rows: 1)], [1, 2], into: store)
        #expect(throws: StoreError.duplicate(sample: 1)) {
            try put([sample(2, rows: 1), sample(1, rows: 1)], [3, 4, 5, 6], into: store)
        }
        #expect(throws: StoreError.duplicate(sample: 3)) {
            try put([sample(3, rows: 1), sample(3, rows: 1)], [3, 4, 5, 6], into: store)
        }
        #expect(store.count == 1)
        #expect(try read(1, 2, from: store) == [1, 2])
    }

    @Test("the missing blocks' results take the place of what the device sent")
    func replace() throws {
        let store = store(capacityBytes: 24)
        try put([sample(1, rows: 1), sample(2, rows: 1)], [1, 2, 3, 4], into: store)
        try put(
            [sample(1, rows: 1, cut: 24), sample(2, rows: 1, cut: 24)], [5, 6, 7, 8], into: store, replacing: true)
        #expect(store.sample(2) == sample(2, rows: 1, cut: 24))
        #expect(try read(2, 2, from: store) == [7, 8])
        #expect(store.bytes == 24)
        #expect(throws: StoreError.missing(sample: 3)) {
            try put([sample(1, rows: 1), sample(3, rows: 1)], [0, 0, 0, 0], into: store, replacing: true)
        }
        #expect(throws: StoreError.full(neededBytes: 24, freeBytes: 12)) {
            try put([sample(1, rows: 2)], [0, 0, 0, 0], into: store, replacing: true)
        }
        #expect(try read(1, 2, from: store) == [5, 6])
    }

    @Test("shapes that do not add up to the payload are refused")
    func wrongSize() {
        let store = store()
        #expect(throws: StoreError.wrongSize(bytes: 8, expected: 16)) {
            try put([sample(1, rows: 2)], [1, 2], into: store)
        }
        #expect(throws: StoreError.wrongSize(bytes: 8, expected: .max)) {
            try put([boundless(1), boundless(2)], [1, 2], into: store)
        }
        #expect(throws: StoreError.missing(sample: 1)) { try read(1, 2, from: store) }
        #expect(store.count == 0)
    }

    @Test("activations that are being read outlive their replacement")
    func readWhileReplaced() throws {
        let store = store()
        try put([sample(1, rows: 1)], [1, 2], into: store)
        let seen = try store.withBytes(of: 1) { _, bytes in
            try? put([sample(1, rows: 1)], [3, 4], into: store, replacing: true)
            return PayloadCodec.f32.view(bytes).map(Array.init)
        }
        #expect(seen == [1, 2])
        #expect(try read(1, 2, from: store) == [3, 4])
    }

    @Test("many threads may write and read at once")
    func threads() throws {
        let store = store()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for i in 0..<50 {
                let id = UInt64(thread * 50 + i)
                #expect(throws: Never.self) {
                    try put([sample(id, rows: 1)], [Float(id), 1], into: store)
                    try put([sample(id, rows: 1)], [Float(id), 2], into: store, replacing: true)
                    #expect(try read(id, 2, from: store) == [Float(id), 2])
                }
            }
        }
        #expect(store.count == 400)
        #expect(store.bytes == 400 * (8 + 4))
    }

    private func boundless(_ id: UInt64) -> StoredSample {
        StoredSample(id: id, targets: [0], rows: .max / 4, columns: 2, cut: 6)
    }

    private func put(
        _ samples: [StoredSample], _ values: [Float], into store: any ActivationStore,
        payloadCodec: PayloadCodec = .f32, replacing: Bool = false
    ) throws {
        var bytes = [UInt8](repeating: 0, count: values.count * payloadCodec.bytesPerValue)
        bytes.withUnsafeMutableBytes { bytes in
            values.withUnsafeBufferPointer { payloadCodec.encode($0, into: bytes) }
        }
        try bytes.withUnsafeBytes {
            if replacing {
                try store.replace(samples, payload: $0, payloadCodec: payloadCodec)
            } else {
                try store.put(samples, payload: $0, payloadCodec: payloadCodec)
            }
        }
    }

    @discardableResult
    private func read(_ id: UInt64, _ count: Int, from store: any ActivationStore) throws -> [Float] {
        var values = [Float](repeating: 0, count: count)
        try values.withUnsafeMutableBufferPointer { _ = try store.read(id, into: $0) }
        return values
    }
}
