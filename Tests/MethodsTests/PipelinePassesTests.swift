import Datasets
import Models
import Pipeline
import Support
import Synchronization
import Tensors
import Testing

@testable import Methods

@Suite("Pipelines of stages on threads")
struct PipelinePassesTests {
    private static let layers = 8
    private static let frozen = 2

    /// What trains: adapters with and without dropout, whole blocks, adapters of the upper blocks alone, and a classifier.
    enum Form: String, CaseIterable, Sendable {
        case adapters, dropout, full, upper, classifier
    }

    private struct Bench {
        let model: LanguageModel
        let layout: TrainableLayout
        let head: OutputHead
        let pool = ComputePool(threads: 4)

        init(_ form: Form) throws {
            model = try LanguageModel(source: RandomModelSource(layers: layers), maximumTokens: 32)
            let sizes = model.hyperparameters
            let blocks = (form == .upper ? layers - 2 : frozen)..<layers
            let adapters = TrainableLayout.adapters(sizes, blocks: blocks, dropout: form == .dropout ? 0.3 : 0)
            layout = TrainableLayout(
                model: sizes, blocks: blocks, form: form == .full ? .full : adapters.form,
                classes: form == .classifier ? 2 : nil)
            head =
                form == .classifier
                ? OutputHead(model: model, classes: 2) : try OutputHead(model: model, labelTokens: [3, 7])
        }

        var optimizer: AdamW { AdamW(layout: layout, coefficients: AdamWCoefficients(), clipNorm: 1) }
        var rates: LearningRateSchedule {
            LearningRateSchedule(peak: 0.01, warmupSteps: 3, totalSteps: 20, shape: .constant)
        }

        func undivided() throws -> Trainer {
            Trainer(
                model: model, head: head, parameters: try TrainableParameters(layout: layout, model: model, seed: 5),
                frozenBlocks: frozen, optimizer: optimizer, schedule: rates, seed: 5, pool: pool)
        }

        /// Of stages that begin at the cuts, and hold micro-batches of so many tokens.
        func costs(_ cuts: [Int], tokens: Int) -> PipelineCosts {
            let bounds = [frozen] + cuts + [layers]
            return PipelineCosts(
                stages: zip(bounds, bounds.dropFirst()).map { first, last in
                    (first..<last).reduce(StageCosts()) { sum, block in
                        let stash = PassMemory.stageStash(
                            layout, block: block, tokens: tokens, targetCount: 1,
                            head: block == layers - 1 ? head.outputs : nil)
                        return sum
                            + StageCosts(
                                forward: 1, backwardInput: 1, backwardWeights: 1,
                                activationBytes: stash.activationBytes, weightStashBytes: stash.weightStashBytes)
                    }
                })
        }

        func divided(
            _ cuts: [Int], _ kind: ScheduleKind?, tokens: Int = 9, scheduledCap: Int? = nil, executedCap: Int? = nil,
            manner: Executor.Manner = .helping,
            observer: @escaping @Sendable (StepTrace, Schedule) -> Void = { _, _ in }
        ) throws -> Trainer {
            let bounds = [frozen] + cuts + [layers], costs = costs(cuts, tokens: tokens)
            let form = layout.form
            let schedule = { @Sendable (microBatches: Int) in
                guard let kind else {
                    return try Schedule.helped(
                        costs: costs, microBatches: microBatches,
                        sums: Trainer.lanes(form, microBatches: microBatches), capBytes: scheduledCap)
                }
                return try Schedule.make(kind, costs: costs, microBatches: microBatches, capBytes: scheduledCap)
            }
            return Trainer(
                model: model, head: head, parameters: try TrainableParameters(layout: layout, model: model, seed: 5),
                stages: (1..<bounds.count).map { bounds[$0 - 1]..<bounds[$0] }, schedule: schedule,
                stashCapBytes: executedCap, optimizer: optimizer, schedule: rates, seed: 5, pool: pool, manner: manner
            ) { trace in
                let microBatches = trace.stages[0].count / 3
                if let schedule = try? schedule(microBatches) { observer(trace, schedule) }
            }
        }

        func train(_ trainer: Trainer) throws -> [Float] {
            let central = CentralTraining(model: model, frozenBlocks: frozen, microBatch: 1)
            for batch in Batches.cut(TrainerTests.examples(124), size: 13) { _ = try central.step(trainer, on: batch) }
            return trainer.parameters.flat.values
        }
    }

    @Test(
        "stages of any number, by any schedule, train what one place trains, bit for bit, in the stash that was checked",
        arguments: Form.allCases, Executor.Manner.allCases)
    func equalsUndivided(form: Form, manner: Executor.Manner) throws {
        let bench = try Bench(form)
        let expected = try bench.train(bench.undivided())
        let problems = Mutex<[String]>([])
        for cuts in [[], [5], [3, 6], [3, 4, 7]] {
            for kind in ScheduleKind.allCases.map(Optional.some) + [nil] {
                let unit = StageCosts(forward: 1, activationBytes: 1, weightStashBytes: 1)
                // The longest text has nine tokens.
                let costs = bench.costs(cuts, tokens: 9)
                let trainer = try bench.divided(cuts, kind, manner: manner) { trace, schedule in
                    let units = PipelineCosts(stages: schedule.stages.map { _ in unit })
                    let microBatches = try? CheckedSchedule(schedule, costs: units).stashBound
                    let bytes = try? CheckedSchedule(schedule, costs: costs).stashBound
                    for stage in trace.stages.indices
                    where trace.stashHighWater[stage] > microBatches?[stage] ?? 0
                        || trace.stashedBytesHighWater[stage] > bytes?[stage] ?? -1
                    {
                        let found = (trace.stashHighWater[stage], trace.stashedBytesHighWater[stage])
                        problems.withLock { $0.append("\(schedule.name): stage \(stage) stashed \(found)") }
                    }
                }
                let name = kind?.rawValue ?? "helped"
                #expect(try bench.train(trainer) == expected, "\(name) with cuts at \(cuts)")
            }
        }
        #expect(problems.withLock(\.self) == [])
    }

    @Test(
        "the least cap that a schedule keeps is kept by what it trains, and a stash beyond the cap ends the step",
        arguments: ScheduleKind.allCases)
    func cap(kind: ScheduleKind) throws {
        let bench = try Bench(.adapters)
        let expected = try bench.train(bench.undivided())
        let costs = bench.costs([4], tokens: 9)
        let smallest: Int
        do throws(ScheduleError) {
            _ = try Schedule.make(kind, costs: costs, microBatches: 13, capBytes: 0)
            return
        } catch {
            guard case .capTooSmall(_, 0, let bytes) = error else { throw error }
            smallest = bytes
        }
        let most = Mutex(0)
        let kept = try bench.divided([4], kind, scheduledCap: smallest, executedCap: smallest) { trace, _ in
            most.withLock { $0 = max($0, trace.stashedBytesHighWater.max() ?? 0) }
        }
        #expect(try bench.train(kept) == expected)
        // Each step's micro-batches have their own lengths.
        #expect(most.withLock(\.self) <= smallest && 3 * most.withLock(\.self) > smallest)
        let broken = try bench.divided([4], kind, scheduledCap: smallest, executedCap: most.withLock(\.self) / 3)
        let before = broken.parameters.flat.values
        do {
            _ = try bench.train(broken)
            Issue.record("the stash is larger than the cap")
        } catch let error as ScheduleError {
            guard case .stashOverCap(_, _, let bytes, let cap) = error else { throw error }
            #expect(bytes > cap && error.exitCode == .scheduleBroken)
        }
        #expect(broken.parameters.flat.values == before)
    }

    @Test("a stage that fails ends the step with its error, and the next step goes well")
    func failure() throws {
        let bench = try Bench(.adapters)
        let trainer = try bench.divided([3, 6], .zeroBubble1)
        let width = bench.model.hyperparameters.width
        struct Broken: Error {}
        func batch(broken: Int?) -> [MicroBatch] {
            (0..<6).map { number in
                MicroBatch(lengths: [2], targets: [[1]]) { x_TD in
                    if number == broken { throw Broken() }
                    for i in 0..<2 * width { x_TD.base[i] = Float(i % 5) }
                }
            }
        }
        let before = trainer.parameters.flat.values
        #expect(throws: Broken.self) { try trainer.step(batch(broken: 3)) }
        #expect(trainer.parameters.flat.values == before)
        #expect(try trainer.step(batch(broken: nil)).step == 1)
    }
}
