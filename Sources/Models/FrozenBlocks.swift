import Checkpoints
import Synchronization
import Tensors

/// The frozen weights of a model's lowest blocks, each loaded once.
final class FrozenBlocks: Sendable {
    /// One block's weights, nil until they are loaded; the lock is held while they are.
    private final class Slot: Sendable {
        let weights = Mutex<BlockWeights?>(nil)
    }

    private let plan: BlockPlan
    private let source: any ModelSource
    private let type: WeightType
    private let prepared: PreparedBlocks?
    private let forwardOnly: Int
    private let slots: [Slot]

    /// - Parameters:
    ///   - count: of blocks that may be loaded.
    ///   - prepared: where blocks are taken from that are whole there.
    ///   - forwardOnly: how many of the lowest never run backward.
    init(
        _ plan: BlockPlan, count: Int, source: any ModelSource, as type: WeightType, prepared: PreparedBlocks?,
        forwardOnly: Int
    ) {
        self.plan = plan
        self.source = source
        self.type = type
        self.prepared = prepared
        self.forwardOnly = forwardOnly
        slots = (0..<count).map { _ in Slot() }
    }

    /// How many there may be.
    var count: Int { slots.count }

    /// Loads blocks that are not loaded yet. Threads that ask at the same time share the work.
    ///
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    func load(_ range: Range<Int>) throws {
        // First those that nobody is at, then those that others have not finished.
        for index in range {
            _ = try slots[index].weights.withLockIfAvailable { weights in try load(index, &weights) }
        }
        for index in range {
            try slots[index].weights.withLock { weights in try load(index, &weights) }
        }
    }

    /// The weights of a loaded block.
    subscript(index: Int) -> BlockWeights {
        guard let weights = slots[index].weights.withLock({ $0 }) else {
            preconditionFailure("block \(index) is not loaded")
        }
        return weights
    }

    private func load(_ index: Int, _ weights: inout BlockWeights?) throws {
        guard weights == nil else { return }
        if let whole = prepared?.memory(of: index) {
            // Packed weights would be this process's own, and these are every process's.
            weights = BlockWeights(plan, in: whole, as: type)
            return
        }
        let memory = try BlockWeights.memory(plan, block: index, from: source, as: type)
        // At once: the mapped file and the floats never stand in memory together as a whole.
        source.releasePages()
        let loaded = BlockWeights(plan, in: memory, as: type)
        weights = index < forwardOnly ? loaded.packed : loaded
    }
}
