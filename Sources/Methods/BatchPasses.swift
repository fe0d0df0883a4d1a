import Diagnostics
import Models
import Tensors

/// The micro-batches of one optimizer step, or of some of its sums of gradients, and what their passes need to know of the
/// step.
struct StepBatch: Sendable {
    var microBatches: [MicroBatch]
    /// Samples of the step before each micro-batch.
    var firstSequences: [Int]
    /// Which inputs of adapters each micro-batch drops.
    var dropouts: [Dropout?]
    /// What the loss of a target counts in the gradient.
    var lossScale: Float
    var tracer: Tracer?
    /// Whether the sums are added up with others of the step.
    var isPart = false

    /// Some of the micro-batches. Those that add to the same sums as here do so as long as the sums are in ascending
    /// order.
    func part(_ places: [Int]) -> StepBatch {
        var part = self
        part.microBatches = places.map { microBatches[$0] }
        part.firstSequences = places.map { firstSequences[$0] }
        part.dropouts = places.map { dropouts[$0] }
        part.isPart = true
        return part
    }
}

/// A way to run F, B and W of a step's micro-batches.
///
/// Which sum a gradient is added to, and in which order, depends on the batch alone: micro-batch i adds to sum i modulo
/// their number, after every smaller i of that sum. So no way changes a bit of the result.
protocol BatchPasses: Sendable {
    /// Must not be called from a job of the pool.
    ///
    /// - Parameter sums: of gradients; zeros.
    /// - Returns: loss and right predictions of each micro-batch.
    /// - Throws: what a micro-batch's source of activations throws.
    func run(_ batch: StepBatch, sums: [TrainableParameters]) throws -> [MicroBatchPass.Result]
}

/// Micro-batches side by side on the pool, each through all blocks, those of one sum one after another.
struct LanePasses: BatchPasses {
    let model: LanguageModel
    let head: OutputHead
    let parameters: TrainableParameters
    let frozenBlocks: Int
    let recomputes: Bool
    let pool: ComputePool
    private let memory = PassMemory()

    init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, frozenBlocks: Int, recomputes: Bool,
        pool: ComputePool
    ) {
        self.model = model
        self.head = head
        self.parameters = parameters
        self.frozenBlocks = frozenBlocks
        self.recomputes = recomputes
        self.pool = pool
    }

    func run(_ batch: StepBatch, sums: [TrainableParameters]) throws -> [MicroBatchPass.Result] {
        let lanes = sums.count
        let results = try pool.map(lanes) { [self] lane in
            let pass = MicroBatchPass(
                model: model, head: head, parameters: parameters, frozenBlocks: frozenBlocks, memory: memory,
                gradients: sums[lane], recomputes: recomputes)
            return try stride(from: lane, to: batch.microBatches.count, by: lanes).map { index in
                let begun = ContinuousClock.now
                let result = try pass.forward(batch.microBatches[index], dropout: batch.dropouts[index])
                let turned = ContinuousClock.now
                pass.backward(lossScale: batch.lossScale)
                if let tracer = batch.tracer {
                    let row = "lane \(lane + 1)"
                    tracer.span("F", row: row, from: begun, to: turned, ["micro-batch": .number(index)])
                    tracer.span("B+W", row: row, from: turned, ["micro-batch": .number(index)])
                }
                return result
            }
        }
        return batch.microBatches.indices.map { results[$0 % lanes][$0 / lanes] }
    }
}
