import Datasets
import Models
import Pipeline
import Randomness
import Support
import Synchronization
import Tensors
import Testing

@testable import Methods

@Suite("Stages in several places", .timeLimit(.minutes(4)))
struct StagedPassesTests {
    /// A leader and its later stages, each with a thread for the stage that it walks.
    private struct Ring {
        let leader: Trainer
        let stages: LoopbackStages

        init(
            _ bench: StageBench, _ cuts: [Int], seconds: Double = 1,
            fault: @escaping @Sendable (_ step: Int) -> LoopbackStages.Fault? = { _ in nil },
            schedule: @escaping @Sendable (_ microBatches: Int) throws -> Schedule
        ) throws {
            var costs = bench.costs(cuts, tokens: 9)
            for stage in costs.stages.indices {
                costs.stages[stage].forward *= seconds
                costs.stages[stage].backwardInput *= seconds
                costs.stages[stage].backwardWeights *= seconds
            }
            stages = LoopbackStages(
                try cuts.map { _ in try bench.divided(cuts, pool: ComputePool(threads: 1), schedule: schedule) },
                fault: fault)
            leader = try bench.divided(
                cuts, pool: ComputePool(threads: cuts.count + 1), stageCosts: costs, schedule: schedule)
            leader.sharing = stages
            leader.stageSharing = stages
        }

        var walked: Int { stages.walked.withLock(\.self) }
    }

    /// Ten steps, the last one with fewer micro-batches.
    private static let steps = 10

    @Test(
        "stages in several places, by every schedule, train what one place trains, bit for bit",
        arguments: TrainedForm.allCases)
    func everySchedule(form: TrainedForm) throws {
        let bench = try StageBench(form)
        let expected = try bench.train(bench.undivided())
        for cuts in [[5], [3, 6], [3, 4, 7]] {
            let costs = bench.costs(cuts, tokens: 9)
            for kind in ScheduleKind.allCases {
                let ring = try Ring(bench, cuts) { try Schedule.make(kind, costs: costs, microBatches: $0) }
                #expect(try bench.train(ring.leader) == expected, "\(kind) with cuts at \(cuts)")
                #expect(ring.walked == Self.steps, "\(kind) with cuts at \(cuts)")
            }
        }
    }

    @Test(
        "so do they by schedules in which nothing but what must be has an order",
        arguments: 1...6 as ClosedRange<UInt64>)
    func randomSchedules(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed, stream: "staged/schedules")
        let form = try #require(TrainedForm.allCases.randomElement(using: &chance))
        let bench = try StageBench(form)
        let expected = try bench.train(bench.undivided())
        let inner = StageBench.frozen + 1..<StageBench.layers
        let cuts = Array(inner.shuffled(using: &chance).prefix(Int.random(in: 1...3, using: &chance))).sorted()
        let shared = Mutex(chance)
        let ring = try Ring(bench, cuts) { microBatches in
            shared.withLock {
                Schedule.random(
                    stages: cuts.count + 1, microBatches: microBatches,
                    sums: Trainer.lanes(bench.layout.form, microBatches: microBatches), using: &$0)
            }
        }
        #expect(try bench.train(ring.leader) == expected, "\(form) with cuts at \(cuts), seed \(seed)")
        #expect(ring.walked == Self.steps)
    }

    @Test(
        "a stage that is away, lost or silent at any tensor costs time and not a bit",
        arguments: 1...8 as ClosedRange<UInt64>)
    func faults(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed, stream: "staged/faults")
        let bench = try StageBench(.dropout), cuts = [[5], [3, 6], [3, 4, 7]].randomElement(using: &chance) ?? [5]
        let kind = try #require(ScheduleKind.allCases.randomElement(using: &chance))
        let expected = try bench.train(bench.undivided()), costs = bench.costs(cuts, tokens: 9)
        let faults: [LoopbackStages.Fault?] = (0...Self.steps).map { _ in
            let stage = Int.random(in: 1...cuts.count, using: &chance), count = Int.random(in: 0...14, using: &chance)
            switch Int.random(in: 0..<5, using: &chance) {
            case 0: return .silence(stage: stage, afterTensors: count)
            case 1: return .loss(stage: stage, afterTensors: count)
            case 2: return .absence
            default: return nil
            }
        }
        // Patience is the least that there is.
        let ring = try Ring(bench, cuts, seconds: 1e-6, fault: { faults[$0] }) {
            try Schedule.make(kind, costs: costs, microBatches: $0)
        }
        #expect(try bench.train(ring.leader) == expected, "\(kind) with cuts at \(cuts), seed \(seed)")
        #expect(ring.walked < Self.steps && ring.walked > 0, "seed \(seed)")
    }

    @Test("an order for blocks that are not there is not followed", arguments: [5..<8, 1..<8, 5..<9, 5..<5])
    func foreignBlocks(blocks: Range<Int>) throws {
        let bench = try StageBench(.adapters), costs = bench.costs([5], tokens: 9)
        let schedule = try Schedule.make(.gpipe, costs: costs, microBatches: 1)
        let trainer = try bench.divided([5]) { _ in schedule }
        let microBatches = [MicroBatch(lengths: [2], targets: [[1]]) { _ in }]
        let share = StageShare(stage: 1, blocks: blocks, schedule: schedule)
        let order = StageOrder(
            step: 1, digest: 0, sums: 1, lossScale: 1, share: share, microBatches: microBatches, firstSequences: [0])
        let exchange = StageExchange(share, microBatches: microBatches, width: 16) { _ in }
        exchange.receive(StageTensor(.activations, microBatch: 0, values: Storage(count: 32)))
        #expect((try trainer.stage(order, exchange: exchange) != nil) == (blocks == 5..<8))
    }
}
