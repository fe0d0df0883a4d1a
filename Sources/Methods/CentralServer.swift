import Datasets
import Models
import Tensors

/// Central training as a program without devices: `CentralTraining` on all shards together, in the order of SplitFrozen.
public final class CentralServer: ServerProgram, @unchecked Sendable {
    private let central: CentralTraining
    private let trainer: Trainer
    private let shards: [[EncodedExample]]
    private let frozenBlocks: Int
    private let batch: Int
    private let steps: Int
    private let seed: UInt64
    private var order: (epoch: Int, samples: [SampleReference]) = (0, [])

    /// - Parameters:
    ///   - parameters: of blocks from the frozen ones on, and a classifier.
    ///   - shards: the devices' samples, which are all here.
    ///   - batch: samples of a step.
    ///   - steps: of the run.
    ///   - pool: none of its jobs may call the program.
    public init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, frozenBlocks: Int,
        shards: [[EncodedExample]], batch: Int, steps: Int, rule: LearningRule, seed: UInt64, pool: ComputePool
    ) {
        self.shards = shards
        self.frozenBlocks = frozenBlocks
        self.batch = batch
        self.steps = steps
        self.seed = seed
        central = CentralTraining(model: model, frozenBlocks: frozenBlocks, microBatch: batch)
        trainer = Trainer(
            model: model, head: head, parameters: parameters, frozenBlocks: frozenBlocks,
            optimizer: rule.optimizer(parameters.layout), schedule: rule.schedule, seed: seed, pool: pool)
    }

    /// What trains.
    public var parameters: TrainableParameters { trainer.parameters }

    /// Takes an event.
    public func handle(_ event: ServerProgramEvent) throws -> [ServerProgramAction] {
        if case .received(let message, let device) = event {
            throw MethodError.unexpected(message.kind, step: message.step, sender: device)
        }
        guard event == .idle, trainer.step < steps else { return [] }
        let examples = nextSamples().map { shards[$0.device][$0.index] }
        let result = try central.step(trainer, on: examples)
        let lengths = examples.map(\.tokens.count), targets = examples.reduce(0) { $0 + $1.targets.count }
        let trained = frozenBlocks..<parameters.layout.model.layers
        return [
            .computed(.pass(.forward, 0..<frozenBlocks, lengths: lengths)),
            .computed(.pass(.forward, trained, lengths: lengths, targets: targets)),
            .computed(.pass(.backward, trained, lengths: lengths, targets: targets)),
            .computed(.change(.update, parameters: parameters.layout.count)),
            .completed(MethodProgress(step: result.step, loss: result.loss)),
        ] + (result.step == steps ? [.finished] : [])
    }

    private func nextSamples() -> ArraySlice<SampleReference> {
        let counts = shards.map(\.count)
        let position = StepPosition(after: trainer.step, samples: counts.reduce(0, +), batchSize: batch)
        if order.epoch != position.epoch {
            order = (position.epoch, SampleOrder.global(seed: seed, counts: counts, epoch: position.epoch))
        }
        return order.samples.dropFirst(position.batch * batch).prefix(batch)
    }
}
