import Models
import Pipeline
import Tensors

/// Steps, and parts of steps, whose first stage is walked here and whose later stages are walked by other workers, as long as there are enough
/// of them. Otherwise, and when one is lost or silent on the way, the whole step is computed here, to the same bits.
struct StagedPasses: BatchPasses {
    let own: PipelinePasses
    /// What a usual micro-batch takes on each stage, here.
    let costs: PipelineCosts
    let sharing: any StageSharing
    let step: Int
    let state: [(name: String, values: TrainableParameters)]

    /// A message on its way takes so long, however small the step.
    private static let leastPatience = Duration.milliseconds(200)

    func run(_ batch: StepBatch, sums: [TrainableParameters]) throws -> [MicroBatchPass.Result] {
        let shared = SharedStep(batch, step: step, sums: sums.count, state: state)
        let shares = try own.shares(microBatches: batch.microBatches.count)
        let exchange = StageExchange(shares[0], microBatches: batch.microBatches, width: own.width) { [sharing, step] in
            sharing.send($0, step: step)
        }
        guard sharing.begin(shared, shares: Array(shares.dropFirst()), exchange: exchange) else {
            return try own.run(batch, sums: sums)
        }
        do {
            defer { sharing.close(step) }
            return try run(batch, sums, shares, exchange)
        } catch is RemoteStagesError {
            for sum in sums { sum.flat.fill(0) }
            return try own.run(batch, sums: sums)
        }
    }

    /// The first stage, and then what the others came to.
    private func run(
        _ batch: StepBatch, _ sums: [TrainableParameters], _ shares: [StageShare], _ exchange: StageExchange
    ) throws -> [MicroBatchPass.Result] {
        let later = costs.stages.dropFirst().reduce(StageCosts(), +)
        // To be silent for longer than the rest of the work would take here costs more than to do it here.
        let patience = { @Sendable (count: Int, seconds: Double) in
            max(Self.leastPatience, .seconds(Double(count) * seconds))
        }
        _ = try own.run(batch, sums: sums, share: shares[0], exchange: exchange) {
            patience($0, later.microBatchSeconds)
        }
        let silence = patience(batch.microBatches.count, later.backwardWeights)
        guard let parts = sharing.collect(step, silence: silence), let last = parts.last else {
            throw RemoteStagesError.silent
        }
        for (share, part) in zip(shares.dropFirst(), parts) {
            let columns = sums[0].layout.range(ofStage: share.blocks)
            // What others have added up stands in the first sum, and nothing in the rest.
            let rows = batch.isPart ? sums.count : 1
            let gradient = part.gradient.matrix(rows: rows, columns: columns.count)
            for row in 0..<rows { sums[row].flat.columns(columns).copy(from: gradient.rows(row..<row + 1)) }
        }
        return last.results
    }
}
