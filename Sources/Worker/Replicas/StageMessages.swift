import Methods
import Pipeline
import Queueing
import Wire

/// A stage's order, and what goes between stages, as messages.
enum StageMessages {
    /// The order for a later stage, and all micro-batches of the step, or the part of it.
    static func order(_ share: StageShare, of step: SharedStep, digest: UInt64) -> [Body] {
        let schedule = share.schedule, firstSequences = step.firstSequences
        // Only the head looks at targets.
        let hasTargets = share.stage == schedule.stages.count - 1
        let order = Body.StepOrder(
            step: UInt64(step.step), sums: UInt32(step.sums), microBatches: [], lossScale: step.lossScale,
            digest: digest,
            stage: Body.StageShare(
                stage: UInt32(share.stage), stages: UInt32(schedule.stages.count),
                firstBlock: UInt32(share.blocks.lowerBound), endBlock: UInt32(share.blocks.upperBound),
                microBatches: UInt32(step.microBatches.count), fusesBackward: schedule.fusesBackward,
                operations: schedule.listText(of: share.stage), keepsSums: step.keepsSums))
        return [.stepOrder(order)]
            + step.microBatches.enumerated().map { number, microBatch in
                let targets = hasTargets ? microBatch.targets : microBatch.targets.map { _ in [0] }
                return .orderedMicroBatch(
                    Body.OrderedMicroBatch(
                        number: UInt32(number), firstSequence: UInt32(firstSequences[number]),
                        lengths: (0..<microBatch.layout.count).map { UInt32(microBatch.layout.rows(of: $0).count) },
                        targetLengths: targets.map { UInt32($0.count) },
                        targets: targets.flatMap { $0.map(UInt32.init) }))
            }
    }

    /// What a stage has to say; nil when it is out of step.
    static func messages(_ news: FollowedStage.News, _ order: StageOrder) -> [(body: Body, payload: Frame?)]? {
        switch news {
        case .tensor(let tensor): cut(tensor, step: order.step).map { ($0.body, $0.payload) }
        case .ended(let result, let seconds): self.result(result, of: order, seconds: seconds)
        case .outOfStep: nil
        }
    }

    /// What a stage came to; nothing but its end when it was given up.
    static func result(
        _ result: StageResult?, of order: StageOrder, seconds: Double
    ) -> [(body: Body, payload: Frame?)] {
        let pieces = result.map {
            TensorPieces.cut($0.gradient, kind: .sum, step: order.step, index: order.share.stage)
        }
        let results = result?.results ?? []
        let part = Body.StepPart(
            step: UInt64(order.step), lossSums: results.map(\.lossSum), correct: results.map { UInt64($0.correct) },
            seconds: seconds)
        return (pieces ?? []).map { ($0.body, $0.payload) } + [(.stepPart(part), nil)]
    }

    /// What goes to a neighbour.
    static func cut(_ tensor: StageTensor, step: Int) -> [(body: Body, payload: Frame)] {
        TensorPieces.cut(
            tensor.values, kind: tensor.content == .gradient ? .streamGradient : .stream, step: step,
            index: tensor.microBatch)
    }
}
