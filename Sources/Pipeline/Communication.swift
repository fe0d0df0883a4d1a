/// What one stage hands to another for a micro-batch.
public struct Boundary: Hashable, Sendable {
    /// What is in it.
    public enum Content: UInt8, Sendable {
        /// F0's result: activations of frozen blocks.
        case frozenActivations
        /// F's result.
        case activations
        /// B's result: the gradient of activations.
        case gradient
    }

    /// What is in it.
    public var content: Content
    /// Of which micro-batch.
    public var microBatch: Int
    /// Of which step: so many after the one in whose list the instruction stands.
    public var stepsAhead: Int
}

/// What a stage does, with what it sends and receives.
public enum Instruction: Hashable, Sendable {
    /// Waits for something from another stage.
    case receive(Boundary, from: Int)
    /// Computes.
    case compute(StageOperation)
    /// Hands a result to another stage, without waiting for it.
    case send(Boundary, to: Int)
}

extension CheckedSchedule {
    /// The instructions of each stage: every operation between what it must have received and what it sends.
    ///
    /// Whatever is received was sent exactly once, and the other way round. Nothing is sent that a stage has itself.
    public func instructions() -> [(prologue: [Instruction], step: [Instruction])] {
        let chain = schedule.chain
        return schedule.stages.enumerated().map { number, stage in
            let expand = { (operation: StageOperation) -> [Instruction] in
                received(operation, stage: number, chain) + [.compute(operation)]
                    + sent(operation, stage: number, chain)
            }
            return (stage.prologue.flatMap(expand), stage.step.flatMap(expand))
        }
    }

    private func received(_ operation: StageOperation, stage: Int, _ chain: StageChain) -> [Instruction] {
        let input = chain.input(of: operation.kind, stage: stage, fusesBackward: schedule.fusesBackward)
        guard let input, input.stage != stage else { return [] }
        return [.receive(boundary(input.kind, operation), from: input.stage)]
    }

    private func sent(_ operation: StageOperation, stage: Int, _ chain: StageChain) -> [Instruction] {
        let reader: Int? =
            switch operation.kind {
            case .frozenForward: chain.reader(ofFrozen: stage)
            case .forward: chain.nextTrainable(stage)
            case .backwardInput: schedule.fusesBackward ? nil : chain.previousTrainable(stage)
            case .backwardWeights: schedule.fusesBackward ? chain.previousTrainable(stage) : nil
            case .step: nil
            }
        guard let reader, reader != stage else { return [] }
        return [.send(boundary(operation.kind, operation), to: reader)]
    }

    private func boundary(_ kind: StageOperation.Kind, _ operation: StageOperation) -> Boundary {
        let content: Boundary.Content =
            switch kind {
            case .frozenForward: .frozenActivations
            case .forward: .activations
            case .backwardInput, .backwardWeights, .step: .gradient
            }
        return Boundary(content: content, microBatch: operation.microBatch, stepsAhead: operation.stepsAhead)
    }
}
