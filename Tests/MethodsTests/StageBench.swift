import Datasets
import Models
import Pipeline
import Support
import Tensors

@testable import Methods

/// What trains: adapters with and without dropout, whole blocks, adapters of the upper blocks alone, and a classifier.
enum TrainedForm: String, CaseIterable, Sendable {
    case adapters, dropout, full, upper, classifier
}

/// A small model of which some blocks train, in one place or in stages.
struct StageBench {
    static let layers = 8
    static let frozen = 2

    let model: LanguageModel
    let layout: TrainableLayout
    let head: OutputHead
    let pool: ComputePool

    init(_ form: TrainedForm) throws {
        pool = ComputePool(threads: 4)
        model = try LanguageModel(source: RandomModelSource(layers: Self.layers), maximumTokens: 32)
        let sizes = model.hyperparameters
        let blocks = (form == .upper ? Self.layers - 2 : Self.frozen)..<Self.layers
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
            frozenBlocks: Self.frozen, optimizer: optimizer, schedule: rates, seed: 5, pool: pool)
    }

    /// Of stages that begin at the cuts, and hold micro-batches of so many tokens.
    func costs(_ cuts: [Int], tokens: Int) -> PipelineCosts {
        let bounds = [Self.frozen] + cuts + [Self.layers]
        return PipelineCosts(
            stages: zip(bounds, bounds.dropFirst()).map { first, last in
                (first..<last).reduce(StageCosts()) { sum, block in
                    let stash = PassMemory.stageStash(
                        layout, block: block, tokens: tokens, targetCount: 1,
                        head: block == Self.layers - 1 ? head.outputs : nil)
                    return sum
                        + StageCosts(
                            forward: 1, backwardInput: 1, backwardWeights: 1,
                            activationBytes: stash.activationBytes, weightStashBytes: stash.weightStashBytes)
                }
            })
    }

    /// - Parameter kind: nil for the schedule of stages that help each other.
    func divided(
        _ cuts: [Int], _ kind: ScheduleKind?, tokens: Int = 9, scheduledCap: Int? = nil, executedCap: Int? = nil,
        manner: Executor.Manner = .helping,
        observer: @escaping @Sendable (StepTrace, Schedule) -> Void = { _, _ in }
    ) throws -> Trainer {
        let costs = costs(cuts, tokens: tokens), form = layout.form
        return try divided(cuts, executedCap: executedCap, manner: manner, observer: observer) { microBatches in
            guard let kind else {
                return try Schedule.helped(
                    costs: costs, microBatches: microBatches,
                    sums: Trainer.lanes(form, microBatches: microBatches), capBytes: scheduledCap)
            }
            return try Schedule.make(kind, costs: costs, microBatches: microBatches, capBytes: scheduledCap)
        }
    }

    /// - Parameters:
    ///   - pool: of the trainer alone; nil for the bench's.
    ///   - stageCosts: where other workers may be the later stages.
    func divided(
        _ cuts: [Int], executedCap: Int? = nil, pool: ComputePool? = nil, manner: Executor.Manner = .helping,
        stageCosts: PipelineCosts? = nil,
        observer: @escaping @Sendable (StepTrace, Schedule) -> Void = { _, _ in },
        schedule: @escaping @Sendable (_ microBatches: Int) throws -> Schedule
    ) throws -> Trainer {
        let bounds = [Self.frozen] + cuts + [Self.layers]
        return Trainer(
            model: model, head: head, parameters: try TrainableParameters(layout: layout, model: model, seed: 5),
            stages: (1..<bounds.count).map { bounds[$0 - 1]..<bounds[$0] }, schedule: schedule,
            stashCapBytes: executedCap, optimizer: optimizer, schedule: rates, seed: 5,
            pool: pool ?? self.pool, manner: manner, stageCosts: stageCosts
        ) { trace in
            let microBatches = trace.stages[0].count / 3
            if let schedule = try? schedule(microBatches) { observer(trace, schedule) }
        }
    }

    func train(_ trainer: Trainer) throws -> [Float] {
        let central = CentralTraining(model: model, frozenBlocks: Self.frozen, microBatch: 1)
        for batch in Batches.cut(TrainerTests.examples(124), size: 13) { _ = try central.step(trainer, on: batch) }
        return trainer.parameters.flat.values
    }
}
