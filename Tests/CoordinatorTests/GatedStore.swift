import Dispatch
import Queueing
import Synchronization
import Wire

/// A store from which nothing can be read until it is opened: a training step waits in it. It takes some transactions,
/// and then, once a step waits, its disk fails.
final class GatedStore: ActivationStore {
    private let store = MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
    private let gate = DispatchSemaphore(value: 0)
    private let read = DispatchSemaphore(value: 0)
    private let transactionsLeft: Mutex<Int>

    init(transactions: Int) { transactionsLeft = Mutex(transactions) }

    func open() { gate.signal() }

    var codec: PayloadCodec { store.codec }
    var capacityBytes: Int { store.capacityBytes }
    var bytes: Int { store.bytes }
    var count: Int { store.count }

    func apply(_ changes: [StoreChange]) throws(StoreError) -> [Result<StoreOutcome, StoreError>] {
        let left = transactionsLeft.withLock { left in
            left -= 1
            return left
        }
        guard left >= 0 else {
            _ = read.wait(timeout: .now() + 30)
            throw .damaged(path: "the gated store", what: "its disk fails")
        }
        return try store.apply(changes)
    }

    func sample(_ id: UInt64) -> StoredSample? { store.sample(id) }

    func withBytes<Result>(
        of id: UInt64, _ body: (StoredSample, UnsafeRawBufferPointer) -> Result
    ) throws(StoreError) -> Result {
        read.signal()
        gate.wait()
        defer { gate.signal() }
        return try store.withBytes(of: id, body)
    }

    func settledSequences(of device: UInt32) -> SequenceSet { store.settledSequences(of: device) }

    func storedParts(of device: UInt32) -> [UInt64: (parts: UInt32, stored: Set<UInt32>)] {
        store.storedParts(of: device)
    }

    func samples() -> [StoredSample] { store.samples() }

    func messages() -> [StoredMessage] { store.messages() }

    func counters() -> [UInt32: StoreCounters] { store.counters() }

    func deadLetters() -> [DeadLetter] { store.deadLetters() }
}
