import Datasets
import Models
import Randomness
import Support
import Tensors
import Testing

@testable import Methods

@Suite("Training steps")
struct TrainerTests {
    static func trainer(
        threads: Int, learningRate: Double = 0.01, dropout: Float = 0, form: TrainableLayout.Form? = nil
    ) throws -> (LanguageModel, Trainer) {
        let model = try LanguageModel(source: RandomModelSource(), maximumTokens: 32)
        let adapters = TrainableLayout.adapters(model.hyperparameters, blocks: 2..<4, dropout: dropout)
        let layout = TrainableLayout(model: model.hyperparameters, blocks: 2..<4, form: form ?? adapters.form)
        let trainer = Trainer(
            model: model, head: try OutputHead(model: model, labelTokens: [3, 7]),
            parameters: try TrainableParameters(layout: layout, model: model, seed: 5), frozenBlocks: 2,
            optimizer: AdamW(layout: layout, coefficients: AdamWCoefficients(), clipNorm: 1),
            schedule: LearningRateSchedule(peak: learningRate, warmupSteps: 3, totalSteps: 20, shape: .constant),
            seed: 5, pool: ComputePool(threads: threads))
        return (model, trainer)
    }

    /// Texts whose class their first token decides.
    static func examples(_ count: Int) -> [EncodedExample] {
        var generator = SeededGenerator(seed: 8, stream: "examples")
        return (0..<count).map { _ in
            let tokens = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                Int32.random(in: 0..<50, using: &generator)
            }
            return EncodedExample(tokens: tokens, label: Int(tokens[0] % 2))
        }
    }

    static func trained(
        threads: Int, microBatch: Int, dropout: Float = 0, form: TrainableLayout.Form? = nil
    ) throws -> [Float] {
        let (model, trainer) = try trainer(threads: threads, dropout: dropout, form: form)
        let central = CentralTraining(model: model, frozenBlocks: 2, microBatch: microBatch)
        for batch in Batches.cut(examples(160), size: 8) { _ = try central.step(trainer, on: batch) }
        return trainer.parameters.flat.values
    }

    @Test("the number of threads does not change a bit of what trains", arguments: [Float(0), Float(0.3)])
    func threads(dropout: Float) throws {
        #expect(
            try Self.trained(threads: 1, microBatch: 3, dropout: dropout)
                == Self.trained(threads: 3, microBatch: 3, dropout: dropout))
    }

    @Test(
        "gradients accumulated over micro-batches of any size are the large batch's to rounding", arguments: [1, 3, 5])
    func microBatches(size: Int) throws {
        let forms: [(dropout: Float, form: TrainableLayout.Form?)] = [(0, nil), (0.3, nil), (0, .full)]
        for (dropout, form) in forms {
            let whole = try Self.trained(threads: 2, microBatch: 8, dropout: dropout, form: form)
            let parts = try Self.trained(threads: 2, microBatch: size, dropout: dropout, form: form)
            #expect(relativeDifference(parts, whole) < 1e-4, "dropout \(dropout), \(form == nil ? "adapters" : "full")")
        }
    }

    @Test("dropout changes what is learned, and its seed decides how")
    func dropout() throws {
        #expect(try Self.trained(threads: 1, microBatch: 4) != Self.trained(threads: 1, microBatch: 4, dropout: 0.3))
    }

    @Test("training on a batch again and again brings its loss down")
    func learns() throws {
        let (model, trainer) = try Self.trainer(threads: 2)
        let central = CentralTraining(model: model, frozenBlocks: 2, microBatch: 4)
        let losses = try (0..<60).map { _ in try central.step(trainer, on: Self.examples(8)).loss }
        #expect(losses[59] < 0.5 * losses[0])
    }

    @Test("a loss that is not a number ends training with the step, and leaves the parameters as they were")
    func divergence() throws {
        let (_, trainer) = try Self.trainer(threads: 1)
        let before = trainer.parameters.flat.values
        let poisoned = MicroBatch(lengths: [2], targets: [[0]]) { $0.fill(.nan) }
        #expect(throws: TrainingError.diverged(step: 1, value: "loss")) { try trainer.step([poisoned]) }
        #expect(trainer.parameters.flat.values == before)
    }
}
