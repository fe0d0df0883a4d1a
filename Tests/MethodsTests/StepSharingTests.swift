import Datasets
import Models
import Pipeline
import Randomness
import Support
import Tensors
import Testing

@testable import Methods

/// Trainers of their own that compute parts of a leader's steps, in divisions drawn at random.
///
/// Only used on one thread, that of the steps.
private final class DividedSteps: StepSharing, @unchecked Sendable {
    private let replicas: [Trainer]
    private var chance: SeededGenerator
    private var parts: [SharedPart] = []
    /// Sums that were given away, and of those, that never came.
    private(set) var given = 0
    private(set) var lost = 0

    init(_ replicas: [Trainer], seed: UInt64) {
        self.replicas = replicas
        chance = SeededGenerator(seed: seed, stream: "divisions")
    }

    func begin(_ step: SharedStep) throws -> [Int] {
        let sums = Array(
            Array(0..<step.sums).shuffled(using: &chance).dropFirst(Int.random(in: 1...step.sums, using: &chance)))
        var shares = replicas.map { _ in [Int]() }
        for sum in sums { shares[Int.random(in: shares.indices, using: &chance)].append(sum) }
        parts = []
        for (replica, share) in zip(replicas, shares) where !share.isEmpty {
            let numbers = step.microBatches(of: share)
            #expect(replica.digest == step.digest && replica.step == step.step - 1)
            let part = try replica.part(
                of: numbers.map { step.microBatches[$0] }, numbers: numbers,
                firstSequences: numbers.map { step.firstSequences[$0] }, sums: step.sums, lossScale: step.lossScale)
            #expect(part.sums.map(\.number) == share.sorted() && part.results.map(\.microBatch) == numbers)
            // A part that comes too late is computed by the leader.
            guard Int.random(in: 0..<4, using: &chance) > 0 else {
                lost += share.count
                continue
            }
            parts.append(part)
        }
        given += sums.count
        return sums
    }

    func collect(_ step: Int, within limit: Duration) -> [SharedPart] { parts.shuffled(using: &chance) }

    func ended(_ step: Int, gradient: Matrix) {
        let copy = gradient.copied()
        for replica in replicas { #expect(throws: Never.self) { try replica.follow(copy) } }
    }

    func replaced() {}
}

/// A leader's replicas, and its later stages.
private struct Helpers: StepSharing {
    let replicas: DividedSteps
    let stages: LoopbackStages

    func begin(_ step: SharedStep) throws -> [Int] { try replicas.begin(step) }
    func collect(_ step: Int, within limit: Duration) -> [SharedPart] { replicas.collect(step, within: limit) }
    func replaced() {}

    func ended(_ step: Int, gradient: Matrix) {
        replicas.ended(step, gradient: gradient)
        stages.ended(step, gradient: gradient)
    }
}

@Suite("Steps that several share")
struct StepSharingTests {
    /// What trains, and what of a step does not depend on who computes it.
    private struct Course: Equatable {
        var state: [[Float]]
        var losses: [Double] = []
        var others: [[Double]] = []

        init(_ trainer: Trainer) { state = trainer.state.map(\.values.flat.values) }
    }

    private static func course(_ trainer: Trainer, _ model: LanguageModel, batch: Int, microBatch: Int) throws -> Course
    {
        let central = CentralTraining(model: model, frozenBlocks: 2, microBatch: microBatch)
        let results = try Batches.cut(TrainerTests.examples(97), size: batch).map { try central.step(trainer, on: $0) }
        var course = Course(trainer)
        course.losses = results.map(\.loss)
        course.others = results.map { [$0.accuracy, $0.learningRate, $0.gradientNorm, Double($0.tokens)] }
        return course
    }

    @Test(
        "however a step's sums are divided, and whatever of them is lost, all come to what one trains alone, bit for bit",
        arguments: 0..<18)
    func division(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed, stream: "step-sharing")
        let form: TrainableLayout.Form? = seed % 3 == 2 ? .full : nil, dropout: Float = seed % 3 == 1 ? 0.3 : 0
        let microBatch = Int.random(in: 1...3, using: &chance), batch = Int.random(in: 6...30, using: &chance)
        let (model, alone) = try TrainerTests.trainer(threads: 1, dropout: dropout, form: form)
        let expected = try Self.course(alone, model, batch: batch, microBatch: microBatch)

        let (_, leader) = try TrainerTests.trainer(threads: 2, dropout: dropout, form: form)
        let replicas = try (0..<Int.random(in: 1...3, using: &chance)).map { _ in
            try TrainerTests.trainer(threads: 1, dropout: dropout, form: form).1
        }
        let division = DividedSteps(replicas, seed: seed)
        leader.sharing = division
        #expect(try Self.course(leader, model, batch: batch, microBatch: microBatch) == expected, "seed \(seed)")
        #expect(division.given > division.lost, "seed \(seed)")
        for replica in replicas { #expect(Course(replica).state == expected.state, "seed \(seed)") }
    }

    @Test(
        "so do pipelines of several stages each, whose stages are away, lost or silent at any tensor",
        arguments: TrainedForm.allCases, 1...4 as ClosedRange<UInt64>)
    func pipelines(form: TrainedForm, seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed, stream: "step-sharing/pipelines")
        let bench = try StageBench(form), cuts = [[5], [3, 6]].randomElement(using: &chance) ?? [5]
        let kind = try #require(ScheduleKind.allCases.randomElement(using: &chance))
        let expected = try bench.train(bench.undivided())
        var costs = bench.costs(cuts, tokens: 9)
        // Patience is the least that there is, but for the pipelines that nothing befalls.
        let isFaulty = seed % 2 == 0
        if isFaulty {
            for stage in costs.stages.indices {
                costs.stages[stage].forward *= 1e-6
                costs.stages[stage].backwardInput *= 1e-6
                costs.stages[stage].backwardWeights *= 1e-6
            }
        }
        let schedule = { @Sendable [costs] in try Schedule.make(kind, costs: costs, microBatches: $0) }
        func pipeline() throws -> (first: Trainer, later: LoopbackStages) {
            let faults: [LoopbackStages.Fault?] = (0...10).map { _ in
                let stage = Int.random(in: 1...cuts.count, using: &chance)
                let count = Int.random(in: 0...9, using: &chance)
                switch Int.random(in: 0..<(isFaulty ? 5 : 1), using: &chance) {
                case 1: return .silence(stage: stage, afterTensors: count)
                case 2: return .loss(stage: stage, afterTensors: count)
                case 3: return .absence
                default: return nil
                }
            }
            let later = LoopbackStages(
                try cuts.map { _ in try bench.divided(cuts, pool: ComputePool(threads: 1), schedule: schedule) },
                fault: { faults[$0] })
            let first = try bench.divided(
                cuts, pool: ComputePool(threads: cuts.count + 1), stageCosts: costs, schedule: schedule)
            (first.sharing, first.stageSharing) = (later, later)
            return (first, later)
        }
        let leader = try pipeline(),
            others = try (0..<Int.random(in: 1...2, using: &chance)).map { _ in try pipeline() }
        let division = DividedSteps(others.map(\.first), seed: seed)
        leader.first.sharing = Helpers(replicas: division, stages: leader.later)
        #expect(try bench.train(leader.first) == expected, "\(kind) with cuts at \(cuts), seed \(seed)")
        #expect(division.given > 0 && others.contains { $0.later.walked.withLock(\.self) > 0 }, "seed \(seed)")
        for (first, _) in others { #expect(first.parameters.flat.values == expected, "seed \(seed)") }
    }

    @Test("what others promise and never send is computed here, to the same bits")
    func nothingComes() throws {
        let (model, alone) = try TrainerTests.trainer(threads: 1)
        let expected = try Self.course(alone, model, batch: 8, microBatch: 1)
        let (_, leader) = try TrainerTests.trainer(threads: 1)
        leader.sharing = Nothing()
        #expect(try Self.course(leader, model, batch: 8, microBatch: 1) == expected)
    }

    @Test("a replica whose leader's gradient is too large for any norm stays as it was")
    func divergence() throws {
        let (_, replica) = try TrainerTests.trainer(threads: 1)
        let before = Course(replica)
        let gradient = Storage(count: replica.parameters.layout.count)
        gradient.matrix(rows: 1, columns: gradient.count).fill(.infinity)
        #expect(throws: TrainingError.diverged(step: 1, value: "gradient")) { try replica.follow(gradient) }
        #expect(Course(replica) == before && replica.step == 0)
    }
}

/// Takes all but one sum of each step, and never gives anything back.
private struct Nothing: StepSharing {
    func begin(_ step: SharedStep) throws -> [Int] { Array(1..<step.sums) }
    func collect(_ step: Int, within limit: Duration) -> [SharedPart] { [] }
    func ended(_ step: Int, gradient: Matrix) {}
    func replaced() {}
}
