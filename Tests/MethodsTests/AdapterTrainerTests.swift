import Datasets
import Models
import Randomness
import Support
import Tensors
import Testing

@testable import Methods

@Suite("Training steps")
struct AdapterTrainerTests {
    static func trainer(threads: Int, learningRate: Double = 0.01) throws -> (LlamaModel, AdapterTrainer) {
        let model = try LlamaModel(source: RandomModelSource(), maximumTokens: 32)
        let layout = AdapterLayout(
            model: model.hyperparameters, blocks: 2..<4, targets: Set(AdapterTarget.allCases), rank: 3, alpha: 6)
        let trainer = AdapterTrainer(
            model: model, head: try VerbalizerHead(model: model, labelTokens: [3, 7]),
            adapters: AdapterTensors(layout: layout, seed: 5),
            optimizer: AdamW(layout: layout, coefficients: AdamWCoefficients(), clipNorm: 1),
            schedule: LearningRateSchedule(peak: learningRate, warmupSteps: 3, totalSteps: 20, shape: .constant),
            pool: ComputePool(threads: threads))
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

    static func adapters(threads: Int, microBatch: Int, steps: Int = 20) throws -> [Float] {
        let (model, trainer) = try trainer(threads: threads)
        let central = CentralTraining(model: model, frozenBlocks: 2, microBatch: microBatch)
        for batch in Batches.cut(examples(8 * steps), size: 8) { _ = try central.step(trainer, on: batch) }
        return trainer.adapters.flat.values
    }

    @Test("the number of threads does not change a bit of the adapters")
    func threads() throws {
        #expect(try Self.adapters(threads: 1, microBatch: 3) == Self.adapters(threads: 3, microBatch: 3))
    }

    @Test("micro-batches of any size give the batch's adapters to rounding", arguments: [1, 3, 5])
    func microBatches(size: Int) throws {
        let whole = try Self.adapters(threads: 2, microBatch: 8)
        #expect(relativeDifference(try Self.adapters(threads: 2, microBatch: size), whole) < 1e-4)
    }

    @Test("training on a batch again and again brings its loss down")
    func learns() throws {
        let (model, trainer) = try Self.trainer(threads: 2)
        let central = CentralTraining(model: model, frozenBlocks: 2, microBatch: 4)
        let losses = try (0..<60).map { _ in try central.step(trainer, on: Self.examples(8)).loss }
        #expect(losses[59] < 0.5 * losses[0])
    }

    @Test("a loss that is not a number ends training with the step, and leaves the adapters as they were")
    func divergence() throws {
        let (_, trainer) = try Self.trainer(threads: 1)
        let before = trainer.adapters.flat.values
        let poisoned = MicroBatch(lengths: [2], targets: [[0]]) { $0.fill(.nan) }
        #expect(throws: TrainingError.diverged(step: 1, value: "loss")) { try trainer.step([poisoned]) }
        #expect(trainer.adapters.flat.values == before)
    }
}
