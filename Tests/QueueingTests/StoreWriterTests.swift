import Foundation
import Queueing
import Synchronization
import Testing
import Wire

@Suite("The store's writer")
struct StoreWriterTests {
    /// A store that writes down how many changes came at once, and lets the first group wait.
    private final class Recorder: ActivationStore {
        let store = MemoryActivationStore(capacityBytes: 1 << 30, codec: .f32)
        let groups = Mutex<[Int]>([])
        let started = DispatchSemaphore(value: 0)
        let gate = DispatchSemaphore(value: 0)
        let fails: Bool

        init(fails: Bool = false) { self.fails = fails }

        var codec: PayloadCodec { store.codec }
        var capacityBytes: Int { store.capacityBytes }
        var bytes: Int { store.bytes }
        var count: Int { store.count }

        func apply(_ changes: [StoreChange]) throws(StoreError) -> [Result<StoreOutcome, StoreError>] {
            let isFirst = groups.withLock { groups in
                groups.append(changes.count)
                return groups.count == 1
            }
            if isFirst {
                started.signal()
                gate.wait()
            }
            if fails { throw .unreadable(path: "store", reason: "the disk is gone") }
            return try store.apply(changes)
        }

        func messages() -> [StoredMessage] { store.messages() }
        func counters() -> [UInt32: StoreCounters] { store.counters() }
        func sample(_ id: UInt64) -> StoredSample? { store.sample(id) }
        func withBytes<Result>(
            of id: UInt64, _ body: (StoredSample, UnsafeRawBufferPointer) -> Result
        ) throws(StoreError) -> Result { try store.withBytes(of: id, body) }
        func settledSequences(of device: UInt32) -> SequenceSet { store.settledSequences(of: device) }
        func storedParts(of device: UInt32) -> [UInt64: (parts: UInt32, stored: Set<UInt32>)] {
            store.storedParts(of: device)
        }
        func samples() -> [StoredSample] { store.samples() }
        func deadLetters() -> [DeadLetter] { store.deadLetters() }
    }

    private func message(_ sequence: UInt64, id: UInt64, rows: Int = 1) -> StoreChange {
        .message(
            MessagePart(device: 0, sequence: sequence), samples: [storedSample(id, rows: rows)],
            payload: Frame([UInt8](repeating: 0, count: rows * 8)), codec: .f32)
    }

    @Test("what waits while a group is written becomes one group, up to its bytes, and completes in order")
    func groups() {
        let store = Recorder()
        let writer = StoreWriter(store)
        let results = Mutex<[Result<StoreOutcome, StoreError>]>([])
        let note: StoreWriter.Completion = { result in results.withLock { $0.append(result) } }
        writer.submit(message(1, id: 1), then: note)
        store.started.wait()
        for sequence in 2...10 as ClosedRange<UInt64> { writer.submit(message(sequence, id: sequence), then: note) }
        writer.submit(message(11, id: 1), then: note)
        // Three and a half groups' bytes in messages of a third, and one that is larger than a group.
        for sequence in 12...21 as ClosedRange<UInt64> {
            writer.submit(message(sequence, id: sequence, rows: 175_000), then: note)
        }
        writer.submit(message(22, id: 22, rows: 2_000_000), then: note)
        #expect(results.withLock { $0.isEmpty })
        store.gate.signal()
        writer.close()
        #expect(store.groups.withLock { $0 } == [1, 12, 2, 2, 2, 2, 1])
        var expected = [Result<StoreOutcome, StoreError>](repeating: .success(.complete), count: 22)
        expected[10] = .failure(.duplicate(sample: 1))
        #expect(results.withLock { $0 } == expected)
        #expect(store.count == 21)
        writer.submit(message(23, id: 23), then: note)
        #expect(results.withLock { $0.last } == .failure(.closed))
    }

    @Test("a failure of the whole store comes to everything that waits, each time")
    func failure() {
        let store = Recorder(fails: true)
        let writer = StoreWriter(store)
        let failures = Mutex(0)
        let note: StoreWriter.Completion = { result in
            guard case .failure(.unreadable) = result else { return }
            failures.withLock { $0 += 1 }
        }
        for sequence in 1...5 as ClosedRange<UInt64> { writer.submit(message(sequence, id: sequence), then: note) }
        store.started.wait()
        store.gate.signal()
        writer.close()
        #expect(failures.withLock { $0 } == 5)
    }

    @Test("a writer that is forgotten makes what was submitted")
    func forgotten() {
        let store = MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
        let done = DispatchSemaphore(value: 0)
        StoreWriter(store).submit(message(1, id: 1)) { _ in done.signal() }
        done.wait()
        #expect(store.count == 1)
    }

    @Test("a store that is immediate is written by whoever submits, until the writer is closed")
    func immediate() {
        let store = MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
        let writer = StoreWriter(store)
        let results = Mutex<[Result<StoreOutcome, StoreError>]>([])
        let note: StoreWriter.Completion = { result in results.withLock { $0.append(result) } }
        for (sequence, id) in [(1, 1), (2, 1), (3, 2)] as [(UInt64, UInt64)] {
            writer.submit(message(sequence, id: id), then: note)
        }
        #expect(
            results.withLock { $0 } == [.success(.complete), .failure(.duplicate(sample: 1)), .success(.complete)])
        writer.close()
        writer.submit(message(4, id: 4), then: note)
        #expect(results.withLock { $0.last } == .failure(.closed))
        #expect(store.count == 2)
    }

    @Test("closing waits for a change that another thread makes")
    func closingWaits() {
        let store = MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
        let writer = StoreWriter(store)
        let begun = DispatchSemaphore(value: 0), gate = DispatchSemaphore(value: 0)
        let isDone = Mutex(false)
        let thread = Thread {
            writer.submit(message(1, id: 1)) { _ in
                begun.signal()
                gate.wait()
                isDone.withLock { $0 = true }
            }
        }
        thread.start()
        begun.wait()
        Thread { gate.signal() }.start()
        writer.close()
        #expect(isDone.withLock { $0 })
    }
}
