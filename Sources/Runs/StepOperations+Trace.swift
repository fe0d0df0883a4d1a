import Diagnostics
import Pipeline

extension StepOperations {
    /// The operations of a step that was traced. Stages that were not walked here are left out, and so is W where B does it.
    init(_ trace: StepTrace, step: Int) {
        self.init(
            step: step,
            stages: trace.stages.enumerated().filter { !$0.element.isEmpty }.map { number, entries in
                Stage(
                    stage: number,
                    operations: entries.compactMap { entry in
                        guard let kind = Kind(entry.operation.kind),
                            !(trace.fusesBackward && kind == .backwardWeights)
                        else { return nil }
                        return Operation(
                            op: kind, microBatch: entry.operation.microBatch, startSeconds: entry.start / .seconds(1),
                            endSeconds: entry.end / .seconds(1))
                    })
            })
    }
}

extension StepOperations.Kind {
    /// Nil for what is none of a step's operations.
    fileprivate init?(_ kind: StageOperation.Kind) {
        switch kind {
        case .frozenForward: self = .frozenForward
        case .forward: self = .forward
        case .backwardInput: self = .backwardInput
        case .backwardWeights: self = .backwardWeights
        default: return nil
        }
    }
}
