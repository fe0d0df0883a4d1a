import Tensors

/// What a device and a server tell each other in the course of a method, without a socket: the driver that carries it
/// decides how it becomes bytes.
public struct MethodMessage: Sendable, Equatable {
    /// What a message is for.
    public enum Kind: String, Sendable, CaseIterable {
        /// Server to device: take a step.
        case turn
        /// Device to server: what the device's last block made of some samples.
        case activations
        /// Server to device: the gradient of the loss at the cut.
        case gradient
        /// Server to device: the loss of a probe.
        case loss
        /// Server to device: its step has been taken.
        case stepped
        /// Server to device: how far another device's step moved along each of its directions.
        case coefficients
        /// Server to device: send what trains there.
        case collect
        /// What trains, in full.
        case adapters
        /// Device to server: what local training made of the adapters.
        case update
    }

    /// What it is for.
    public var kind: Kind
    /// The step, or the round, from 1.
    public var step: Int
    /// The state of the server's parameters that it belongs to, from 0; nil where none matters.
    public var version: Int?
    /// Which probe it belongs to.
    public var probe: Probe?
    /// Whose activations it has.
    public var samples: MessageSamples?
    /// Numbers by name.
    public var scalars: [String: Float]
    /// Tensors, each under a name of its own.
    public var tensors: [MessageTensor]

    /// A message; everything that it need not have is left out.
    public init(
        _ kind: Kind, step: Int, version: Int? = nil, probe: Probe? = nil, samples: MessageSamples? = nil,
        scalars: [String: Float] = [:], tensors: [MessageTensor] = []
    ) {
        self.kind = kind
        self.step = step
        self.version = version
        self.probe = probe
        self.samples = samples
        self.scalars = scalars
        self.tensors = tensors
    }

    /// Bytes of what it carries, four for each number, index and target. Its header, which says whose tensors of which
    /// shapes these are, is not in it.
    public var payloadBytes: Int {
        let targets = samples?.targets.reduce(0) { $0 + $1.count } ?? 0
        return 4 * (targets + scalars.count)
            + tensors.reduce(0) { $0 + 4 * ($1.values.count + ($1.indices?.count ?? 0)) }
    }

    /// One of the two points, ±ε along a random direction, at which a loss is asked for.
    public struct Probe: Sendable, Hashable {
        /// Which of the step's directions, from 1.
        public let pair: Int
        /// Whether the point lies at +ε.
        public let isPlus: Bool

        /// A point along a direction.
        public init(pair: Int, isPlus: Bool) {
            self.pair = pair
            self.isPlus = isPlus
        }
    }
}

/// The samples of a message of activations.
public struct MessageSamples: Sendable, Equatable {
    /// Indices in the device's shard.
    public var ids: [Int]
    /// Tokens of each.
    public var lengths: [Int]
    /// What the last tokens of each should predict.
    public var targets: [[Int32]]

    /// Samples, one element of each list for each.
    public init(ids: [Int], lengths: [Int], targets: [[Int32]]) {
        self.ids = ids
        self.lengths = lengths
        self.targets = targets
    }
}

/// A matrix of a message.
public struct MessageTensor: Sendable, Equatable {
    /// What it is, such as `blocks.3.self_attn.q_proj.lora_A`.
    public var name: String
    /// Rows of `values`.
    public var rows: Int
    /// Columns of `values`.
    public var columns: Int
    /// Row by row.
    public var values: [Float]
    /// Which rows of a larger matrix these are; nil for all of them.
    public var indices: [Int]?

    /// A copy of a matrix.
    public init(_ name: String, _ matrix: Matrix, indices: [Int]? = nil) {
        self.name = name
        rows = matrix.rows
        columns = matrix.columns
        values = matrix.values
        self.indices = indices
    }
}
