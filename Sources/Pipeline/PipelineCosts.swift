/// What the blocks of a stage, or one block, cost for one micro-batch. Measured, or assumed.
public struct StageCosts: Hashable, Sendable {
    /// Seconds of F0; 0 where nothing is frozen.
    public var frozenForward: Double
    /// Seconds of F; 0 where nothing trains.
    public var forward: Double
    /// Seconds of B.
    public var backwardInput: Double
    /// Seconds of W.
    public var backwardWeights: Double
    /// Seconds of the optimizer's step, once a step.
    public var optimizer: Double
    /// Bytes that F leaves for B.
    public var activationBytes: Int
    /// Bytes that lie between B and W.
    public var weightStashBytes: Int

    /// Costs of which only what is not zero need be given.
    public init(
        frozenForward: Double = 0, forward: Double = 0, backwardInput: Double = 0, backwardWeights: Double = 0,
        optimizer: Double = 0, activationBytes: Int = 0, weightStashBytes: Int = 0
    ) {
        self.frozenForward = frozenForward
        self.forward = forward
        self.backwardInput = backwardInput
        self.backwardWeights = backwardWeights
        self.optimizer = optimizer
        self.activationBytes = activationBytes
        self.weightStashBytes = weightStashBytes
    }

    /// Seconds of one operation.
    public func seconds(_ kind: StageOperation.Kind) -> Double {
        switch kind {
        case .frozenForward: frozenForward
        case .forward: forward
        case .backwardInput: backwardInput
        case .backwardWeights: backwardWeights
        case .step: optimizer
        }
    }

    /// Seconds of F0, F, B and W.
    public var microBatchSeconds: Double { frozenForward + forward + backwardInput + backwardWeights }

    /// The blocks that the costs speak of.
    public var blocks: StageBlocks { StageBlocks(frozen: frozenForward > 0, trainable: forward > 0) }

    /// The costs of both together.
    public static func + (a: Self, b: Self) -> Self {
        StageCosts(
            frozenForward: a.frozenForward + b.frozenForward, forward: a.forward + b.forward,
            backwardInput: a.backwardInput + b.backwardInput, backwardWeights: a.backwardWeights + b.backwardWeights,
            optimizer: a.optimizer + b.optimizer, activationBytes: a.activationBytes + b.activationBytes,
            weightStashBytes: a.weightStashBytes + b.weightStashBytes)
    }
}

/// What a pipeline's stages and the links between them cost.
public struct PipelineCosts: Hashable, Sendable {
    /// From the first stage to the last.
    public var stages: [StageCosts]
    /// Bytes of what one micro-batch hands from block to block: activations, or their gradient. F0's results too.
    public var boundaryBytes: Int
    /// Seconds that a link adds to every tensor.
    public var latencySeconds: Double
    /// Bytes that a link carries in a second; nil when stages share memory.
    public var bytesPerSecond: Double?

    /// Costs of stages that share memory unless a link is given.
    public init(
        stages: [StageCosts], boundaryBytes: Int = 0, latencySeconds: Double = 0, bytesPerSecond: Double? = nil
    ) {
        self.stages = stages
        self.boundaryBytes = boundaryBytes
        self.latencySeconds = latencySeconds
        self.bytesPerSecond = bytesPerSecond
    }

    /// Seconds from the end of an operation to the moment at which another stage has its result.
    public func transferSeconds(from sender: Int, to receiver: Int) -> Double {
        guard sender != receiver else { return 0 }
        return latencySeconds + (bytesPerSecond.map { Double(boundaryBytes) / $0 } ?? 0)
    }
}
