import Randomness
import Tensors

/// All adapters of a model, or anything of the same shape: their gradients or an optimizer's moments.
public final class AdapterTensors: Sendable {
    /// Which adapters there are, and where.
    public let layout: AdapterLayout
    private let storage: Storage

    /// Zeros.
    public init(layout: AdapterLayout) {
        self.layout = layout
        storage = Storage(count: layout.count)
    }

    /// Fresh adapters as PEFT begins with them: A uniform in ±1/√inputWidth (Kaiming uniform with a = √5), B zero, so
    /// that the model starts unchanged.
    public convenience init(layout: AdapterLayout, seed: UInt64) {
        self.init(layout: layout)
        for slot in layout.slots {
            var generator = SeededGenerator(seed: seed, stream: "adapter/\(slot.block)/\(slot.target)")
            let bound = 1 / Double(slot.inputWidth).squareRoot()
            let a = term(slot).a_RI
            for i in 0..<a.count { a.base[i] = Float((2 * generator.uniform() - 1) * bound) }
        }
    }

    /// Everything as one row.
    public var flat: Matrix { storage.matrix(rows: 1, columns: layout.count) }

    /// The two factors of one slot.
    public func term(_ slot: AdapterLayout.Slot) -> LowRankTerm {
        let a = storage.matrix(rows: layout.rank, columns: slot.inputWidth, at: slot.offset)
        let b = storage.matrix(rows: slot.outputWidth, columns: layout.rank, at: slot.offset + a.count)
        return LowRankTerm(a_RI: a, b_OR: b, scale: layout.alpha / Float(layout.rank))
    }

    /// The adapters of one block.
    public func block(_ block: Int) -> BlockAdapters { BlockAdapters(tensors: self, block: block) }
}

/// The adapters of one block, by the linear layer that they stand beside.
public struct BlockAdapters: Sendable {
    let tensors: AdapterTensors
    let block: Int

    var rank: Int { tensors.layout.rank }

    subscript(target: AdapterTarget) -> LowRankTerm? {
        tensors.layout.slot(block: block, target: target).map(tensors.term)
    }
}
