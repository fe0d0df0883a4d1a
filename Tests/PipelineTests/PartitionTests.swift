import Pipeline
import Randomness
import Testing

@Suite("Partitions")
struct PartitionTests {
    /// Printed with every failure.
    private static let seed: UInt64 = 9

    private func block(_ forward: Double, _ backward: Double, _ weights: Double) -> StageCosts {
        StageCosts(forward: forward, backwardInput: backward, backwardWeights: weights)
    }

    /// All ways to cut a row of blocks, which may give a stage none.
    private func cuts(_ count: Int, _ stages: Int) -> [[Int]] {
        guard stages > 1 else { return [[0, count]] }
        return (0...count).flatMap { last in
            cuts(last, stages - 1).map { $0 + [count] }
        }
    }

    /// The measure that `Partition` minimises, written down once more; nil for a stage without blocks, or where frozen
    /// blocks would stand behind trainable ones.
    private func seconds(
        _ frozen: [StageCosts], _ trainable: [StageCosts], _ frozenCuts: [Int], _ trainableCuts: [Int],
        _ microBatches: Double, _ placement: Partition.Placement
    ) -> Double? {
        var path = 0.0, most = 0.0
        for stage in 0..<(frozenCuts.count - 1) {
            let cold = frozen[frozenCuts[stage]..<frozenCuts[stage + 1]]
            let warm = trainable[trainableCuts[stage]..<trainableCuts[stage + 1]]
            guard !cold.isEmpty || !warm.isEmpty else { return nil }
            if placement == .contiguous, !warm.isEmpty, frozenCuts[stage + 1] < frozen.count { return nil }
            let both = warm.reduce(0) { $0 + $1.forward + $1.backwardInput }
            let all = (cold + warm).reduce(0) { $0 + $1.microBatchSeconds }
            let optimizer = warm.reduce(0) { $0 + $1.optimizer }
            most = max(most, microBatches * all + optimizer, path + microBatches * both)
            path += both
        }
        return most
    }

    @Test(
        "no cuts have a smaller bound: against all cuts of 300 rows of blocks", arguments: Partition.Placement.allCases)
    func optimum(placement: Partition.Placement) throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "optimum")
        for round in 0..<300 {
            let stages = Int.random(in: 1...3, using: &generator)
            let frozen = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                StageCosts(frozenForward: 0.2 + generator.uniform())
            }
            let trainable = (0..<Int.random(in: stages...5, using: &generator)).map { _ in
                StageCosts(
                    forward: 0.2 + generator.uniform(), backwardInput: generator.uniform(),
                    backwardWeights: generator.uniform(), optimizer: generator.uniform())
            }
            let found = try Partition(
                frozen: frozen, trainable: trainable, stages: stages, microBatches: 4, placement: placement)
            let best =
                cuts(frozen.count, stages).flatMap { cold in
                    cuts(trainable.count, stages).compactMap { seconds(frozen, trainable, cold, $0, 4, placement) }
                }.min() ?? 0
            #expect(abs(found.leastStepSeconds - best) <= 1e-9 * best, "seed \(Self.seed), round \(round)")
            let own = seconds(
                frozen, trainable, [0] + found.stages.map(\.frozen.upperBound),
                [0] + found.stages.map(\.trainable.upperBound), 4, placement)
            #expect(abs((own ?? 0) - best) <= 1e-9 * best, "the cuts have the bound that is told, round \(round)")
            #expect(found.stages.last?.frozen.upperBound == frozen.count)
            #expect(found.stages.last?.trainable.upperBound == trainable.count)
        }
    }

    @Test("a head takes blocks from the last stage, and the lowest block, which hands nothing down, gives some")
    func uneven() throws {
        var blocks = Array(repeating: block(1, 1, 0.1), count: 8)
        blocks[0].backwardInput = 0.3
        blocks[7] = blocks[7] + block(2, 2, 0)
        let found = try Partition(frozen: [], trainable: blocks, stages: 2, microBatches: 8)
        #expect(found.stages.map(\.trainable.count) == [5, 3])
    }

    @Test("where LoRA has little to fill gaps with, the stages that wait longest get the most frozen blocks")
    func gaps() throws {
        let frozen = Array(repeating: StageCosts(frozenForward: 1), count: 12)
        let trainable = Array(repeating: block(1, 1, 0.05), count: 12)
        let found = try Partition(frozen: frozen, trainable: trainable, stages: 4, microBatches: 8)
        let costs = PipelineCosts(stages: found.costs)
        let ours = try ScheduleFigures(
            Schedule.make(.permafrost, costs: costs, microBatches: 8), costs: costs)
        #expect(ours.bubbleRatio <= 0.03)
        #expect(ours.stepSeconds >= found.leastStepSeconds - 1e-9)
        // The usual way, frozen blocks first, beside it.
        let usual = try Partition(
            frozen: frozen, trainable: trainable, stages: 4, microBatches: 8, placement: .contiguous)
        let usualCosts = PipelineCosts(stages: usual.costs)
        for kind in ScheduleKind.allCases {
            let theirs = try ScheduleFigures(
                Schedule.make(kind, costs: usualCosts, microBatches: 8), costs: usualCosts)
            #expect(theirs.stepSeconds > 1.05 * ours.stepSeconds, "\(kind)")
        }
    }

    @Test("the simulated step decides among cuts of nearly equal bounds, never below the bound: 12 rows of blocks")
    func simulated() throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "simulated")
        var shortened = 0
        for round in 0..<12 {
            let count = Int.random(in: 4...8, using: &generator)
            let frozen = Array(repeating: StageCosts(frozenForward: 1), count: count)
            var trainable = Array(repeating: block(1, 1, 0.05), count: count)
            trainable[count - 1] = trainable[count - 1] + block(generator.uniform(), generator.uniform(), 0)
            let make = { (costs: PipelineCosts) throws(ScheduleError) -> Schedule in
                try Schedule.make(.permafrost, costs: costs, microBatches: 6)
            }
            let bound = try Partition(frozen: frozen, trainable: trainable, stages: 3, microBatches: 6)
            let first = PipelineCosts(stages: bound.costs)
            let found = try Partition.simulated(
                frozen: frozen, trainable: trainable, stages: 3, microBatches: 6, placement: .interleaved,
                links: PipelineCosts(stages: []), schedule: make)
            let costs = PipelineCosts(stages: found.partition.costs)
            let seconds = try ScheduleFigures(found.schedule, costs: costs).stepSeconds
            let before = try ScheduleFigures(make(first), costs: first).stepSeconds
            #expect(seconds <= before && seconds >= bound.leastStepSeconds - 1e-9, "round \(round)")
            if seconds < before { shortened += 1 }
        }
        #expect(shortened > 0)
    }

    @Test("too few blocks, and costs that cannot be, are refused")
    func refused() {
        #expect(throws: ScheduleError.self) {
            try Partition(frozen: [], trainable: [block(1, 1, 1)], stages: 2, microBatches: 4)
        }
        #expect(throws: ScheduleError.self) {
            try Partition(
                frozen: [StageCosts(frozenForward: 1)], trainable: [], stages: 1, microBatches: 4)
        }
        for bad in [-1, .nan, .infinity] {
            #expect(throws: ScheduleError.self) {
                try Partition(
                    frozen: [], trainable: [block(1, bad, 1), block(1, 1, 1)], stages: 2, microBatches: 4)
            }
        }
    }
}
