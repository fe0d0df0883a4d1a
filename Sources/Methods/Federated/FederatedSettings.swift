import Models

/// How devices that train whole adapters and a server that joins them go about it.
public struct FederatedSettings: Sendable, Equatable {
    /// How the server joins what devices have trained. Devices weigh by their samples.
    public enum Aggregation: Sendable, Equatable {
        /// The means of A and of B, each for itself.
        case mean
        /// The same, with the correction of LoRA-FAIR.
        case fair(lambda: Double)
        /// SOFT: the means of what the kept ranks have changed; a rank that is not sent has not changed.
        case keptRanks
        /// What SOFT is compared with: the same for the largest changes of single entries, in as many bytes.
        case keptEntries
        /// What SOFT is compared with: the truncated products of what factors have changed, in as many bytes, and their sum
        /// truncated again.
        case truncatedProducts

        /// Whether devices send a part of what has changed, and not the adapters.
        var isSparse: Bool {
            switch self {
            case .mean, .fair: false
            case .keptRanks, .keptEntries, .truncatedProducts: true
            }
        }
    }

    /// Rounds of local training.
    public var rounds: Int
    /// Batches of a device in a round.
    public var localSteps: Int
    /// How the server joins.
    public var aggregation: Aggregation
    /// λ of the penalty that keeps a layer's factors near-orthogonal; 0 for none.
    public var orthogonality: Double

    /// At least one round and local step.
    public init(rounds: Int, localSteps: Int, aggregation: Aggregation = .mean, orthogonality: Double = 0) {
        self.rounds = rounds
        self.localSteps = localSteps
        self.aggregation = aggregation
        self.orthogonality = orthogonality
    }

    /// Names of scalars in messages.
    enum Scalar {
        /// How many ranks of each layer a device is to send.
        static let kept = "kept"
        /// Samples of a device.
        static let samples = "samples"
        /// Mean loss of a device's round, in nats.
        static let loss = "loss"
    }
}

extension RankSelection {
    /// A message of a device that sends so many ranks, with zeros for all that has changed: as large as any other.
    ///
    /// - Parameter kept: ranks of each layer; with 0 nothing but that the device has trained.
    public static func emptyUpdate(_ layout: TrainableLayout, kept: Int) -> MethodMessage {
        let zero = TrainableParameters(layout: layout)
        return MethodMessage(
            .update, step: 1, scalars: [FederatedSettings.Scalar.samples: 0, FederatedSettings.Scalar.loss: 0],
            tensors: deltas(from: zero, to: zero, kept: kept))
    }
}
