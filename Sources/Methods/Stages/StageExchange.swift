import Pipeline
import Synchronization
import Tensors

/// What goes from a stage in one process to a stage in another, for a micro-batch.
public struct StageTensor: Sendable {
    /// Activations for the next stage, or their gradient for the one before.
    public var content: Boundary.Content
    /// Of the step.
    public var microBatch: Int
    /// [tokens, width]. Whoever sends it writes to it no more.
    public var values: Storage

    /// A tensor of a micro-batch.
    public init(_ content: Boundary.Content, microBatch: Int, values: Storage) {
        self.content = content
        self.microBatch = microBatch
        self.values = values
    }
}

/// The tensors that one stage of a step exchanges with its neighbours in other processes.
public final class StageExchange: Sendable {
    /// Which stage is walked here.
    public let stage: Int
    let others = RemoteStages()
    private let fusesBackward: Bool
    private let counts: [Int]
    private let received: Mutex<[[Int: Storage]]> = Mutex([[:], [:]])
    private let toNeighbour: @Sendable (StageTensor) -> Void

    /// - Parameters:
    ///   - microBatches: of the step.
    ///   - send: called on a thread of the pool, for the next stage or the one before; must not wait.
    public init(
        _ share: StageShare, microBatches: [MicroBatch], width: Int, send: @escaping @Sendable (StageTensor) -> Void
    ) {
        stage = share.stage
        fusesBackward = share.schedule.fusesBackward
        counts = microBatches.map { $0.layout.tokens * width }
        toNeighbour = send
    }

    /// How many numbers a micro-batch's tensors have; nil for one that the step does not have.
    public func count(ofMicroBatch number: Int) -> Int? { counts.indices.contains(number) ? counts[number] : nil }

    /// A neighbour's tensor is here, of as many numbers as `count(ofMicroBatch:)` says. Callable from any thread.
    public func receive(_ tensor: StageTensor) {
        received.withLock { $0[tensor.content == .activations ? 0 : 1][tensor.microBatch] = tensor.values }
        guard tensor.content != .activations else {
            return others.ended(StageOperation(.forward, tensor.microBatch), stage: stage - 1)
        }
        let kind = fusesBackward ? StageOperation.Kind.backwardWeights : .backwardInput
        others.ended(StageOperation(kind, tensor.microBatch), stage: stage + 1)
    }

    /// Something comes, though no tensor is complete. Callable from any thread.
    public func heard() { others.heard() }

    /// The step is not walked to its end. Callable from any thread.
    public func giveUp() { others.fail(RemoteStagesError.lost) }

    func take(_ content: Boundary.Content, _ microBatch: Int) -> Storage? {
        received.withLock { $0[content == .activations ? 0 : 1].removeValue(forKey: microBatch) }
    }

    func send(_ content: Boundary.Content, _ microBatch: Int, _ values: Storage) {
        toNeighbour(StageTensor(content, microBatch: microBatch, values: values))
    }
}
