import Dispatch
import Queueing
import Wire

/// A store from which nothing can be read until it is opened: a training step waits in it.
final class GatedStore: ActivationStore {
    private let store: MemoryActivationStore
    private let gate = DispatchSemaphore(value: 0)

    init(capacityBytes: Int) { store = MemoryActivationStore(capacityBytes: capacityBytes, codec: .f32) }

    func open() { gate.signal() }

    var codec: PayloadCodec { store.codec }
    var capacityBytes: Int { store.capacityBytes }
    var bytes: Int { store.bytes }
    var count: Int { store.count }

    func put(
        _ samples: [StoredSample], payload: UnsafeRawBufferPointer, payloadCodec: PayloadCodec
    ) throws(StoreError) {
        try store.put(samples, payload: payload, payloadCodec: payloadCodec)
    }

    func replace(
        _ samples: [StoredSample], payload: UnsafeRawBufferPointer, payloadCodec: PayloadCodec
    ) throws(StoreError) {
        try store.replace(samples, payload: payload, payloadCodec: payloadCodec)
    }

    func sample(_ id: UInt64) -> StoredSample? { store.sample(id) }

    func withBytes<Result>(
        of id: UInt64, _ body: (StoredSample, UnsafeRawBufferPointer) -> Result
    ) throws(StoreError) -> Result {
        gate.wait()
        defer { gate.signal() }
        return try store.withBytes(of: id, body)
    }
}
