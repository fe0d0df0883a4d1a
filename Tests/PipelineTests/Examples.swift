import Pipeline
import Randomness

/// Costs that tests share.
enum Examples {
    /// Stages of equal costs. The stash of one micro-batch is 100 bytes from F to B.
    static func equal(
        _ stages: Int, frozen: Double = 0, forward: Double = 1, backward: Double = 1, weights: Double = 1,
        weightStash: Int = 100
    ) -> PipelineCosts {
        PipelineCosts(
            stages: Array(
                repeating: StageCosts(
                    frozenForward: frozen, forward: forward, backwardInput: backward, backwardWeights: weights,
                    activationBytes: 100, weightStashBytes: weightStash), count: stages),
            boundaryBytes: 10)
    }

    /// Full fine-tuning, where every stage has as many frozen blocks as trainable ones.
    static func full(_ stages: Int) -> PipelineCosts { equal(stages, frozen: 1) }

    /// LoRA, where every stage has as many frozen blocks as trainable ones: W is nearly nothing.
    static func lora(_ stages: Int) -> PipelineCosts {
        equal(stages, frozen: 1, weights: 0.05, weightStash: 50)
    }

    /// Stages of random costs, some without frozen or without trainable blocks.
    static func random(_ stages: Int, using generator: inout SeededGenerator) -> PipelineCosts {
        let trained = Int.random(in: 0..<stages, using: &generator)
        let weights = Bool.random(using: &generator) ? 0.05 : 1
        let everywhere = Bool.random(using: &generator)
        let costs = (0..<stages).map { stage in
            let isFrozen = everywhere || Bool.random(using: &generator)
            let isTrainable = everywhere || stage == trained || Bool.random(using: &generator)
            let forward = isTrainable ? 0.5 + generator.uniform() : 0
            return StageCosts(
                frozenForward: isFrozen ? 0.5 + generator.uniform() : 0, forward: forward,
                backwardInput: forward * (0.9 + generator.uniform()),
                backwardWeights: forward * weights * (0.5 + generator.uniform()),
                optimizer: isTrainable ? 0.1 : 0,
                activationBytes: isTrainable ? Int.random(in: 50...150, using: &generator) : 0,
                weightStashBytes: isTrainable ? Int.random(in: 0...200, using: &generator) : 0)
        }
        return PipelineCosts(
            stages: costs, boundaryBytes: Int.random(in: 0...40, using: &generator),
            latencySeconds: Bool.random(using: &generator) ? 0 : 0.2 * generator.uniform(),
            bytesPerSecond: Bool.random(using: &generator) ? nil : 1000)
    }
}
