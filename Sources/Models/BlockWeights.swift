import Checkpoints
import Tensors

/// The weights of one block as views on one run of floats, or anything of the same shape: the sums of their gradients.
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
            case .bf16: preconditionFailure("short weights are frozen")
            }
        }
    }

    private let linears: [Linear]
    let attentionNorm: Norm
    let feedForwardNorm: Norm

    /// Floats of one block.
    static func count(_ model: Hyperparameters) -> Int {
        let plan = BlockPlan(model)
        let linear = JoinedLayer.allCases.reduce(0) { sum, layer in
            sum + plan.outputWidth(layer) * (plan.inputWidth(layer) + (model.hasBiases ? 1 : 0))
        }
        return linear + 2 * model.width * (model.normalisation == .layer ? 2 : 1)
    }

    /// Views on `count` floats that begin at an offset.
    init(_ plan: BlockPlan, in storage: Storage, at offset: Int) {
        var next = offset
        func take(_ rows: Int, _ columns: Int) -> Matrix {
            defer { next += rows * columns }
            return storage.matrix(rows: rows, columns: columns, at: next)
        }
        let model = plan.model
        linears = JoinedLayer.allCases.map { layer in
            let outputs = plan.outputWidth(layer)
            return Linear(
                weight_OI: .f32(take(outputs, plan.inputWidth(layer))), bias_O: model.hasBiases ? take(1, outputs) : nil
            )
        }
        func norm() -> Norm {
            Norm(
                weight_D: take(1, model.width), bias_D: model.normalisation == .layer ? take(1, model.width) : nil,
                epsilon: model.normEpsilon)
        }
        attentionNorm = norm()
        feedForwardNorm = norm()
    }

    /// Frozen weights of a source; norms and biases, which are few, are floats whatever the type.
    ///
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    init(_ plan: BlockPlan, block: Int, from source: any ModelSource, as type: WeightType) throws {
        let floats = BlockWeights(plan, in: Storage(count: Self.count(plan.model)), at: 0)
        try floats.read(plan, block: block, from: source)
        guard type != .f32 else {
            self = floats
            return
        }
        linears = floats.linears.map { linear in
            Linear(weight_OI: WeightMatrix(linear.floats_OI, as: type), bias_O: linear.bias_O?.own)
        }
        attentionNorm = floats.attentionNorm.own
        feedForwardNorm = floats.feedForwardNorm.own
    }

    /// Bytes of frozen weights of a block.
    static func bytes(_ model: Hyperparameters, as type: WeightType) -> Int {
        let plan = BlockPlan(model)
        let short = JoinedLayer.allCases.reduce(0) { $0 + plan.outputWidth($1) * plan.inputWidth($1) }
        return (count(model) - short) * MemoryLayout<Float>.stride + short * type.bytes
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

extension Matrix {
    /// In memory of its own.
    fileprivate var own: Matrix { copied().matrix(rows: rows, columns: columns) }
}

extension Norm {
    /// In memory of its own.
    fileprivate var own: Norm { Norm(weight_D: weight_D.own, bias_D: bias_D?.own, epsilon: epsilon) }
}
