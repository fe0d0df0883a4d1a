import Queueing

/// Where a measured worker keeps activations.
enum QueueBenchStorage {
    /// In a folder, durably.
    case folder(String)
    /// In memory that is found when it is needed.
    case memory
    /// In memory that is there before the first message comes.
    case reservedMemory

    /// An empty store.
    ///
    /// - Throws: `StoreError`.
    func store(_ shape: QueueBenchShape) throws(StoreError) -> any ActivationStore {
        switch self {
        case .folder(let path):
            try LMDBActivationStore(
                folder: path, run: QueueBenchShape.run, codec: .f32, capacityBytes: shape.capacityBytes)
        case .memory: MemoryActivationStore(capacityBytes: shape.capacityBytes, codec: .f32)
        case .reservedMemory:
            // A little more, because no payload is cut in two where a piece of memory ends.
            MemoryActivationStore(
                capacityBytes: shape.capacityBytes, codec: .f32, reservedBytes: shape.totalBytes / 16 * 17)
        }
    }
}
