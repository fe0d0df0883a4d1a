import Models
import Pipeline
import Synchronization
import Tensors

/// One step's micro-batches on their way through the stages.
///
/// Unchecked, because the executor orders what touches a micro-batch: one operation of it at a time but W, which has its
/// stage's pass for itself.
final class PipelineStep: StageWork, @unchecked Sendable {
    /// A micro-batch's stream, which goes from stage to stage and comes back as the gradient, and where it lies: in an arena
    /// among stages of one process, in memory of its own where it goes to another, which ZeroMQ sends from there.
    private final class Stream {
        var arena: Arena?
        var storage: Storage?
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
    private let exchange: StageExchange?
    /// Of each stage and micro-batch, as its last operation left it: another thread may be at the next one.
    private let stashed: Mutex<[[Int]]>

    /// - Parameters:
    ///   - passes: of each stage that is walked here, a pass for each micro-batch.
    ///   - exchange: where the stages before and after the one that is walked here are; nil where all are here.
    init(
        _ batch: StepBatch, passes: [[StagePass]], sums: [TrainableParameters], fusesBackward: Bool, width: Int,
        memory: PassMemory, exchange: StageExchange?
    ) {
        self.exchange = exchange
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
        case .forward: try forward(number, pass, stage)
        case .backwardInput:
            if let exchange, stage < passes.count - 1 {
                pass.takeGradient(own(exchange.take(.gradient, number), number))
            }
            if fusesBackward {
                pass.backward(lossScale: batch.lossScale, addTo: sum)
            } else {
                pass.backwardInput(lossScale: batch.lossScale, addTo: sum)
            }
            if let exchange, stage > 0, let gradient = streams[number].storage {
                exchange.send(.gradient, number, gradient)
            }
            if stage == 0 || exchange != nil { giveBack(streams[number]) }
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

    private func forward(_ number: Int, _ pass: StagePass, _ stage: Int) throws {
        let microBatch = batch.microBatches[number], stream = streams[number]
        if let exchange, stage > 0 {
            stream.x_TD = own(exchange.take(.activations, number), number)
        } else if stage == 0 {
            stream.x_TD = exchange == nil ? borrowed(number) : own(Storage(count: count(number)), number)
            if let x_TD = stream.x_TD { try microBatch.read(x_TD) }
        }
        guard let x_TD = stream.x_TD else { preconditionFailure("F before that of the stage before") }
        let result = pass.forward(
            x_TD, layout: microBatch.layout, targets: microBatch.targets, dropout: batch.dropouts[number])
        if let result { stream.result = result }
        if let exchange, stage < passes.count - 1, let activations = stream.storage {
            exchange.send(.activations, number, activations)
        }
    }

    private func count(_ number: Int) -> Int { batch.microBatches[number].layout.tokens * width }

    private func borrowed(_ number: Int) -> Matrix {
        let arena = memory.streams.borrow()
        streams[number].arena = arena
        return arena.matrix(rows: batch.microBatches[number].layout.tokens, columns: width)
    }

    private func own(_ values: Storage?, _ number: Int) -> Matrix {
        guard let values else { preconditionFailure("an operation before its input") }
        streams[number].storage = values
        return values.matrix(rows: batch.microBatches[number].layout.tokens, columns: width)
    }

    private func giveBack(_ stream: Stream) {
        if let arena = stream.arena { memory.streams.giveBack(arena) }
        stream.arena = nil
        stream.storage = nil
        stream.x_TD = nil
    }
}
