import Models
import Pipeline
import Synchronization
import Tensors

/// Micro-batches through the stages of a pipeline, each stage with consecutive blocks and a thread.
final class PipelinePasses: BatchPasses {
    private let model: LanguageModel
    private let head: OutputHead
    private let parameters: TrainableParameters
    private let stages: [Range<Int>]
    private let schedule: @Sendable (_ microBatches: Int) throws -> Schedule
    private let executor: Executor
    private let memory = PassMemory()
    private let observer: @Sendable (StepTrace) -> Void

    /// - Parameters:
    ///   - stages: consecutive blocks, from the first that every micro-batch has not passed yet to the last.
    ///   - schedule: gives the schedule of a step; every stage of it trains.
    ///   - stashCapBytes: the most that a stage may stash, as was proven of the schedules.
    ///   - pool: has a thread for each stage, unless these are emulated.
    ///   - observer: is told how each step went.
    init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, stages: [Range<Int>],
        schedule: @escaping @Sendable (_ microBatches: Int) throws -> Schedule, stashCapBytes: Int?, pool: ComputePool,
        manner: Executor.Manner, observer: @escaping @Sendable (StepTrace) -> Void = { _ in }
    ) {
        self.model = model
        self.head = head
        self.parameters = parameters
        self.stages = stages
        self.schedule = schedule
        self.observer = observer
        executor = Executor(pool: pool, capBytes: stashCapBytes, manner: manner)
    }

    func run(_ batch: StepBatch, sums: [TrainableParameters]) throws -> [MicroBatchPass.Result] {
        let passes = stages.enumerated().map { number, blocks in
            batch.microBatches.map { _ in
                StagePass(
                    model: model, head: number == stages.count - 1 ? head : nil, parameters: parameters, blocks: blocks,
                    memory: memory)
            }
        }
        let schedule = try schedule(batch.microBatches.count)
        let step = PipelineStep(
            batch, passes: passes, sums: sums, fusesBackward: schedule.fusesBackward,
            width: model.hyperparameters.width, memory: memory)
        defer { step.giveBack() }
        let trace = try executor.run(schedule, sums: sums.count, step)
        observer(trace)
        if let tracer = batch.tracer { trace.write(to: tracer) }
        return step.results
    }
}

/// One step's micro-batches on their way through the stages.
///
/// Unchecked, because the executor orders what touches a micro-batch: one operation of it at a time but W, which has its
/// stage's pass for itself.
private final class PipelineStep: StageWork, @unchecked Sendable {
    /// A micro-batch's stream, which goes from stage to stage and comes back as the gradient, and where it lies.
    private final class Stream {
        var arena: Arena?
        var x_TD: Matrix?
        var result: MicroBatchPass.Result?
    }

    private let batch: StepBatch
    private let passes: [[StagePass]]
    private let sums: [TrainableParameters]
    private let fusesBackward: Bool
    private let width: Int
    private let memory: PassMemory
    private let streams: [Stream]
    /// Of each stage and micro-batch, as its last operation left it: another thread may be at the next one.
    private let stashed: Mutex<[[Int]]>

    init(
        _ batch: StepBatch, passes: [[StagePass]], sums: [TrainableParameters], fusesBackward: Bool, width: Int,
        memory: PassMemory
    ) {
        self.fusesBackward = fusesBackward
        self.batch = batch
        self.passes = passes
        self.sums = sums
        self.width = width
        self.memory = memory
        streams = batch.microBatches.map { _ in Stream() }
        stashed = Mutex(passes.map { $0.map { _ in 0 } })
    }

    /// Of the micro-batches, once all are done.
    var results: [MicroBatchPass.Result] { streams.compactMap(\.result) }

    func perform(_ operation: StageOperation, stage: Int) throws {
        let number = operation.microBatch, pass = passes[stage][number], sum = sums[number % sums.count]
        switch operation.kind {
        case .forward:
            let microBatch = batch.microBatches[number], stream = streams[number]
            if stage == 0 {
                let arena = memory.streams.borrow()
                stream.arena = arena
                let x_TD = arena.matrix(rows: microBatch.layout.tokens, columns: width)
                try microBatch.read(x_TD)
                stream.x_TD = x_TD
            }
            guard let x_TD = stream.x_TD else { preconditionFailure("F before that of the stage before") }
            let result = pass.forward(
                x_TD, layout: microBatch.layout, targets: microBatch.targets, dropout: batch.dropouts[number])
            if let result { stream.result = result }
        case .backwardInput:
            if fusesBackward {
                pass.backward(lossScale: batch.lossScale, addTo: sum)
            } else {
                pass.backwardInput(lossScale: batch.lossScale, addTo: sum)
            }
            if stage == 0 { giveBack(streams[number]) }
        case .backwardWeights: if !fusesBackward { pass.backwardWeights(addTo: sum) }
        case .frozenForward, .step: break
        }
        stashed.withLock { $0[stage][number] = pass.stashedBytes }
    }

    func stashedBytes(stage: Int) -> Int { stashed.withLock { $0[stage].reduce(0, +) } }

    /// Gives everything back that a step which failed still holds.
    func giveBack() {
        for pass in passes.joined() { pass.forget() }
        streams.forEach(giveBack)
    }

    private func giveBack(_ stream: Stream) {
        if let arena = stream.arena { memory.streams.giveBack(arena) }
        stream.arena = nil
        stream.x_TD = nil
    }
}
