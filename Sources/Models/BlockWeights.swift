import Checkpoints
import Tensors

/// The weights of one block as views on one run of memory, or anything of the same shape: the sums of their gradients.
///
/// Linear layers that read the same input are joined into one matrix of O outputs and I inputs.
public struct BlockWeights: Sendable {
    struct Linear: Sendable {
        let weight_OI: WeightMatrix
        let bias_O: Matrix?

        /// The weights, which are floats wherever they train.
        var floats_OI: Matrix {
            switch weight_OI {
            case .f32(let floats_OI): floats_OI
            case .bf16, .int8, .packed: preconditionFailure("short weights are frozen")
            }
        }
    }

    private let linears: [Linear]
    let attentionNorm: Norm
    let feedForwardNorm: Norm

    private init(linears: [Linear], attentionNorm: Norm, feedForwardNorm: Norm) {
        self.linears = linears
        self.attentionNorm = attentionNorm
        self.feedForwardNorm = feedForwardNorm
    }

    /// Floats of one block, or floats whose room it takes as a shorter type.
    static func count(_ model: Hyperparameters, as type: WeightType = .f32) -> Int {
        let plan = BlockPlan(model)
        let linear = JoinedLayer.allCases.reduce(0) { sum, layer in
            let outputs = plan.outputWidth(layer), inputs = plan.inputWidth(layer)
            return sum + type.floats(outputs, inputs) + (model.hasBiases ? outputs : 0)
        }
        return linear + 2 * model.width * (model.normalisation == .layer ? 2 : 1)
    }

    /// Views on `count` floats that begin at an offset; norms and biases, which are few, are floats whatever the type.
    init(_ plan: BlockPlan, in storage: Storage, at offset: Int = 0, as type: WeightType = .f32) {
        var next = offset
        func take(_ rows: Int, _ columns: Int) -> Matrix {
            defer { next += rows * columns }
            return storage.matrix(rows: rows, columns: columns, at: next)
        }
        func takeWeights(_ rows: Int, _ columns: Int) -> WeightMatrix {
            defer { next += type.floats(rows, columns) }
            return WeightMatrix(rows: rows, columns: columns, in: storage, at: next, as: type)
        }
        let model = plan.model
        linears = JoinedLayer.allCases.map { layer in
            let outputs = plan.outputWidth(layer)
            return Linear(
                weight_OI: takeWeights(outputs, plan.inputWidth(layer)),
                bias_O: model.hasBiases ? take(1, outputs) : nil)
        }
        func norm() -> Norm {
            Norm(
                weight_D: take(1, model.width), bias_D: model.normalisation == .layer ? take(1, model.width) : nil,
                epsilon: model.normEpsilon)
        }
        attentionNorm = norm()
        feedForwardNorm = norm()
    }

    /// The memory of a block's frozen weights, read from a source.
    ///
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    static func memory(
        _ plan: BlockPlan, block: Int, from source: any ModelSource, as type: WeightType
    ) throws -> Storage {
        let floats = Storage(count: count(plan.model))
        let whole = BlockWeights(plan, in: floats)
        try whole.read(plan, block: block, from: source)
        guard type != .f32 else { return floats }
        let short = Storage(count: count(plan.model, as: type))
        BlockWeights(plan, in: short, as: type).set(nearest: whole)
        return short
    }

    /// Becomes the nearest weights of their type. Nobody may read them yet.
    private func set(nearest floats: BlockWeights) {
        for (own, other) in zip(linears, floats.linears) {
            own.weight_OI.set(nearest: other.floats_OI)
            own.bias_O?.copy(from: other.bias_O)
        }
        for (own, other) in [(attentionNorm, floats.attentionNorm), (feedForwardNorm, floats.feedForwardNorm)] {
            own.weight_D.copy(from: other.weight_D)
            own.bias_D?.copy(from: other.bias_D)
        }
    }

    /// A copy that only F can read, in which it is faster, in about as much memory of its own.
    var packed: BlockWeights {
        BlockWeights(
            linears: linears.map { Linear(weight_OI: $0.weight_OI.packed, bias_O: $0.bias_O?.ownCopy) },
            attentionNorm: attentionNorm.ownCopy, feedForwardNorm: feedForwardNorm.ownCopy)
    }

    subscript(layer: JoinedLayer) -> Linear { linears[layer.rawValue] }

    /// A tensor of the block, under its hub name.
    struct Named {
        let name: String
        let matrix: Matrix
        /// Whether files have it as [in, out].
        let isStoredTransposed: Bool
    }

    /// Every tensor, as hub files cut the block into tensors.
    func named(_ plan: BlockPlan, block: Int) -> [Named] {
        let names = plan.model.family.names
        var tensors: [Named] = []
        for site in plan.sites {
            let linear = self[site.layer]
            let module = names.inBlock(block, site.module)
            tensors.append(
                Named(
                    name: "\(module).weight", matrix: linear.floats_OI.rows(site.outputs),
                    isStoredTransposed: site.isStoredTransposed))
            if let bias_O = linear.bias_O {
                tensors.append(
                    Named(name: "\(module).bias", matrix: bias_O.columns(site.outputs), isStoredTransposed: false))
            }
        }
        for (norm, module) in [(attentionNorm, names.attentionNorm), (feedForwardNorm, names.feedForwardNorm)] {
            let path = names.inBlock(block, module)
            tensors.append(Named(name: "\(path).weight", matrix: norm.weight_D, isStoredTransposed: false))
            if let bias_D = norm.bias_D {
                tensors.append(Named(name: "\(path).bias", matrix: bias_D, isStoredTransposed: false))
            }
        }
        return tensors
    }

    /// Copies, and if need be dequantises, the block's tensors out of a source.
    ///
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    func read(_ plan: BlockPlan, block: Int, from source: any ModelSource) throws {
        for tensor in named(plan, block: block) {
            guard tensor.isStoredTransposed else {
                try source.read(tensor.name, into: tensor.matrix)
                continue
            }
            let (outputs, inputs) = (tensor.matrix.rows, tensor.matrix.columns)
            let stored_IO = Storage(count: inputs * outputs).matrix(rows: inputs, columns: outputs)
            try source.read(tensor.name, into: stored_IO)
            tensor.matrix.copy(transposed: stored_IO)
        }
    }
}

extension Norm {
    fileprivate var ownCopy: Norm {
        Norm(weight_D: weight_D.ownCopy, bias_D: bias_D?.ownCopy, epsilon: epsilon)
    }
}

extension Matrix {
    fileprivate var ownCopy: Matrix { copied().matrix(rows: rows, columns: columns) }

    /// Copies what has the same shape, where there is one.
    fileprivate func copy(from other: Matrix?) {
        if let other { copy(from: other) }
    }
}
