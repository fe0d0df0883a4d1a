import Models
import Queueing
import Randomness
import Support
import Synchronization
import Tensors
import Wire

@testable import Methods
@testable import Worker

/// A step that a leader shares, and its messages, without anything that computes.
struct StepMessages {
    static let width = 6
    /// Tensors that the next step depends on: what trains and two moments.
    static let states = 3

    static let check = ActivationCheck(
        limits: WireLimits(), run: "run", width: width, maximumCut: 4, targetLimit: 5, maximumLength: 8)

    private static let layout = (try? RandomModelSource(width: 8)).map {
        TrainableLayout.adapters($0.hyperparameters, blocks: 3..<4, rank: 1, alpha: 1)
    }

    /// Numbers that train.
    static var parameters: Int { layout?.count ?? 0 }

    /// A micro-batch of random sequences.
    static func microBatch(using chance: inout SeededGenerator) -> MicroBatch {
        let lengths = (0..<Int.random(in: 1...4, using: &chance)).map { _ in Int.random(in: 1...8, using: &chance) }
        let targets = lengths.map { length in
            (0..<Int.random(in: 1...length, using: &chance)).map { _ in Int32.random(in: 0..<5, using: &chance) }
        }
        let values = Storage(normal: lengths.reduce(0, +) * width, using: &chance)
        return MicroBatch(lengths: lengths, targets: targets) { x_TD in
            x_TD.copy(from: values.matrix(rows: x_TD.rows, columns: x_TD.columns))
        }
    }

    /// A step of so many micro-batches.
    static func step(_ number: Int, microBatches: Int, sums: Int, using chance: inout SeededGenerator) -> SharedStep {
        let batch = (0..<microBatches).map { _ in microBatch(using: &chance) }
        let state = (0..<states).compactMap { index in layout.map { ("\(index)", TrainableParameters(layout: $0)) } }
        for (_, values) in state {
            values.flat.copy(from: Storage(normal: parameters, using: &chance).matrix(rows: 1, columns: parameters))
        }
        return Self.step(number, batch, sums: sums, lossScale: 0.25, state: state)
    }

    /// A step, or a part of one, without anything dropped.
    static func step(
        _ number: Int, _ microBatches: [MicroBatch], sums: Int, lossScale: Float = 1, isPart: Bool = false,
        state: [(name: String, values: TrainableParameters)]
    ) -> SharedStep {
        var batch = StepBatch(
            microBatches: microBatches, firstSequences: MicroBatch.firstSequences(microBatches),
            dropouts: microBatches.map { _ in nil }, lossScale: lossScale)
        batch.isPart = isPart
        return SharedStep(batch, step: number, sums: sums, state: state)
    }

    /// All numbers of a micro-batch's activations.
    static func activations(_ microBatch: MicroBatch) throws -> [Float] {
        let rows = microBatch.layout.tokens, values = Storage(count: rows * width)
        try microBatch.readActivations(into: values.matrix(rows: rows, columns: width))
        return values.matrix(rows: rows, columns: width).values
    }

    static func lengths(_ microBatch: MicroBatch) -> [Int] {
        (0..<microBatch.layout.count).map { microBatch.layout.rows(of: $0).count }
    }
}

/// Messages to replicas, as they were sent.
final class SentMessages: Sendable {
    typealias Message = (replica: String, session: UInt64, body: Body, payload: Frame?)

    private let messages = Mutex<[Message]>([])

    func add(_ message: Message) { messages.withLock { $0.append(message) } }

    /// What was sent since this was called before.
    func take() -> [Message] {
        messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}
