import Pipeline
import Randomness
import Testing

@Suite("Bubbles")
struct BubbleTests {
    /// Printed with every failure.
    private static let seed: UInt64 = 5

    private func figures(
        _ kind: ScheduleKind, _ costs: PipelineCosts, _ microBatches: Int, _ barrier: StepBarrier = .allStages
    ) throws -> ScheduleFigures {
        try ScheduleFigures(
            Schedule.make(kind, costs: costs, microBatches: microBatches, barrier: barrier), costs: costs)
    }

    /// The least seconds of a step: see `Partition`.
    private func least(_ costs: PipelineCosts, _ microBatches: Int) -> Double {
        var path = 0.0, least = 0.0
        for stage in costs.stages {
            let own = Double(microBatches) * (stage.forward + stage.backwardInput)
            least = max(least, path + own, Double(microBatches) * stage.microBatchSeconds + stage.optimizer)
            path += stage.forward + stage.backwardInput
        }
        return least
    }

    @Test(
        "with frozen blocks to run, permafrost has no bubble, and permafrost ≤ zb-h1 ≤ 1f1b ≤ gpipe",
        arguments: [2, 4], StepBarrier.allCases)
    func order(stages: Int, barrier: StepBarrier) throws {
        for costs in [Examples.lora(stages), Examples.full(stages)] {
            let ratios = try [ScheduleKind.permafrost, .zeroBubble1, .oneForwardOneBackward, .gpipe].map { kind in
                try figures(kind, costs, 8, barrier).bubbleRatio
            }
            #expect(ratios[0] < 1e-9)
            for (better, worse) in zip(ratios, ratios.dropFirst()) { #expect(better <= worse + 1e-9) }
            #expect(ratios[1] > 0.02, "there was something to gain")
        }
    }

    @Test("its stash is that of 1F1B, and at most two results of F0 more", arguments: [2, 4])
    func memory(stages: Int) throws {
        for costs in [Examples.lora(stages), Examples.full(stages)] {
            let ours = try #require(try figures(.permafrost, costs, 8).stashBound.max())
            let theirs = try #require(try figures(.oneForwardOneBackward, costs, 8).stashBound.max())
            #expect(ours <= theirs + 2 * costs.boundaryBytes)
        }
    }

    @Test("F0 as long as the condition asks fills the gaps of LoRA, and without F0 they stay")
    func condition() throws {
        // m (F0 + W) ≥ (p − 1)(F + B) on the last stage: 8 (F0 + 0.05) ≥ 6.
        let trials: [(frozen: Double, limit: Double)] = [(0, 0.26), (0.35, 0.14), (0.7, 0.06), (1, 0.001)]
        for (frozen, limit) in trials {
            let costs = Examples.equal(4, frozen: frozen, weights: 0.05, weightStash: 50)
            let found = try figures(.permafrost, costs, 8)
            #expect(found.bubbleRatio <= limit, "F0 \(frozen)")
            let work: Double = 8 * costs.stages[0].microBatchSeconds
            let needed: Double = 1 - work / least(costs, 8)
            #expect(found.bubbleRatio >= needed - 1e-9, "F0 \(frozen)")
        }
    }

    @Test("permafrost is never slower than a handcrafted schedule, nor faster than the bound: 25 random pipelines")
    func random() throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "bubbles")
        for round in 0..<25 {
            let costs = Examples.random(Int.random(in: 1...5, using: &generator), using: &generator)
            let microBatches = Int.random(in: 1...9, using: &generator)
            let ours = try figures(.permafrost, costs, microBatches)
            for kind in ScheduleKind.allCases {
                let theirs = try figures(kind, costs, microBatches)
                #expect(
                    ours.stepSeconds <= theirs.stepSeconds * (1 + 1e-9), "seed \(Self.seed), round \(round) \(kind)")
            }
            #expect(ours.stepSeconds >= least(costs, microBatches) * (1 - 1e-9), "seed \(Self.seed), round \(round)")
        }
    }

    @Test("on uneven stages that all have F0, permafrost stays within a twentieth of the bound: 12 pipelines")
    func uneven() throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "uneven")
        for round in 0..<12 {
            let weights: Double = Bool.random(using: &generator) ? 0.05 : 1
            let stages = (0..<Int.random(in: 2...4, using: &generator)).map { _ -> StageCosts in
                let forward: Double = 0.7 + 0.6 * generator.uniform()
                return StageCosts(
                    frozenForward: 0.5 + generator.uniform(), forward: forward,
                    backwardInput: forward * (0.9 + 0.5 * generator.uniform()), backwardWeights: forward * weights)
            }
            let costs = PipelineCosts(stages: stages)
            let ours = try figures(.permafrost, costs, 8).stepSeconds
            #expect(ours <= 1.05 * least(costs, 8), "seed \(Self.seed), round \(round)")
        }
    }
}
