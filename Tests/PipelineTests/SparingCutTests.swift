import Pipeline
import Randomness
import Testing

@Suite("The cut with the least stash")
struct SparingCutTests {
    /// Printed with every failure.
    private static let seed: UInt64 = 11

    private func blocks(_ count: Int, using generator: inout SeededGenerator) -> [StageCosts] {
        (0..<count).map { _ in
            let activations = Int.random(in: 0...100, using: &generator)
            return StageCosts(
                forward: 1, backwardInput: 1, backwardWeights: 0.1, activationBytes: activations,
                weightStashBytes: activations + Int.random(in: 0...60, using: &generator))
        }
    }

    /// Every way to cut blocks into stages.
    private func cuts(_ count: Int, _ stages: Int) -> [[Range<Int>]] {
        guard stages > 1 else { return [[0..<count]] }
        return (stages - 1..<count).flatMap { last in cuts(last, stages - 1).map { $0 + [last..<count] } }
    }

    private func costs(_ cut: [Range<Int>], _ blocks: [StageCosts]) -> PipelineCosts {
        PipelineCosts(stages: cut.map { blocks[$0].reduce(StageCosts(), +) })
    }

    @Test("its stash is a cap that the schedule keeps, and that no cut keeps with a byte less: 60 rows of blocks")
    func smallest() throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "sparing")
        for round in 0..<60 {
            let kind = ScheduleKind.allCases[round % ScheduleKind.allCases.count]
            let stages = Int.random(in: 1...4, using: &generator),
                microBatches = Int.random(in: 1...6, using: &generator)
            let blocks = blocks(Int.random(in: stages...7, using: &generator), using: &generator)
            let sparing = try SparingCut(kind, blocks: blocks, stages: stages, microBatches: microBatches)
            #expect(sparing.stages.count == stages && sparing.stages.flatMap { Array($0) } == Array(blocks.indices))
            // The last step of an epoch can have fewer micro-batches.
            for fewer in 1...microBatches {
                let schedule = try Schedule.make(
                    kind, costs: costs(sparing.stages, blocks), microBatches: fewer, capBytes: sparing.stashBytes)
                _ = try CheckedSchedule(
                    schedule, costs: costs(sparing.stages, blocks), capBytes: sparing.stashBytes)
            }
            guard sparing.stashBytes > 0 else { continue }
            for cut in cuts(blocks.count, stages) {
                #expect(throws: ScheduleError.self, "seed \(Self.seed), round \(round), \(kind), \(cut)") {
                    try Schedule.make(
                        kind, costs: costs(cut, blocks), microBatches: microBatches, capBytes: sparing.stashBytes - 1)
                }
            }
        }
    }

    @Test("fewer blocks than stages are refused")
    func tooFew() throws {
        #expect(throws: ScheduleError.self) {
            try SparingCut(.gpipe, blocks: [StageCosts()], stages: 2, microBatches: 4)
        }
    }
}
