import Methods

/// A method, and what is decided of it alone.
public enum MethodSettings: Sendable, Equatable {
    /// Frozen devices.
    ///
    /// - messageSamples: that a device publishes together.
    case splitfrozen(messageSamples: Int = 8)
    /// Both sides by their gradients, devices in turn.
    ///
    /// - averagingSteps: batches of all devices between two means of their adapters.
    /// - followsPublishedCode: averages as the public code does.
    case splitlora(averagingSteps: Int = 100, followsPublishedCode: Bool = false)
    /// Local training and means of the factors.
    ///
    /// - localSteps: batches of each device in a round.
    /// - isFair: with LoRA-FAIR's correction.
    /// - ranks: of each device; nil for the adapters' own everywhere.
    case fedlora(localSteps: Int = 10, isFair: Bool = false, ranks: [Int]? = nil)
    /// Devices by probes, the server by its gradient.
    case hosl(Probes)
    /// Both sides by probes.
    case zo(Probes)
    /// Local training that sends a part of the ranks.
    case soft(Sparse)
    /// No devices: all data in one place.
    case central

    /// How devices are trained by probes.
    public struct Probes: Sendable, Equatable {
        /// Q, the directions of a step.
        public var pairs: Int
        /// ε.
        public var epsilon: Float
        /// η of the devices. The server's is the run's.
        public var deviceLearningRate: Double
        /// Takes the steps in the order of the public code. `zo` has none.
        public var followsPublishedCode: Bool
        /// Devices that have a step under way at one time.
        public var atOnce: Int

        /// The defaults are those of arXiv 2601.10940 for adapters.
        public init(
            pairs: Int = 10, epsilon: Float = 5e-3, deviceLearningRate: Double = 5e-5,
            followsPublishedCode: Bool = false, atOnce: Int = 1
        ) {
            self.pairs = pairs
            self.epsilon = epsilon
            self.deviceLearningRate = deviceLearningRate
            self.followsPublishedCode = followsPublishedCode
            self.atOnce = atOnce
        }
    }

    /// How a part of what local training changed is chosen.
    public struct Sparse: Sendable, Equatable {
        /// The strongest ranks, which is SOFT; or what that is compared with: the largest single entries, and products
        /// truncated by their singular values. Only SOFT's factors are kept near-orthogonal.
        public enum Sent: Sendable {
            case ranks, entries, truncatedProducts
        }

        /// Batches of each device in a round.
        public var localSteps: Int
        /// λ of the penalty that keeps factors near-orthogonal.
        public var orthogonality: Double
        /// The share of the ranks that is not sent; without meaning with an allocation.
        public var sparsity: Double
        /// What is sent, in as many bytes.
        public var sent: Sent
        /// Decides ranks and shares of the band round by round; nil for the same sparsity always.
        public var allocation: Allocation?

        /// SOFT, without or with TSFA.
        public init(
            localSteps: Int = 10, orthogonality: Double = 0.01, sparsity: Double = 0.5, sent: Sent = .ranks,
            allocation: Allocation? = nil
        ) {
            self.localSteps = localSteps
            self.orthogonality = orthogonality
            self.sparsity = sparsity
            self.sent = sent
            self.allocation = allocation
        }
    }

    /// TSFA's second stage.
    public struct Allocation: Sendable, Equatable {
        /// The latency of a round that holds in the long run.
        public var limitSeconds: Double
        /// V, in seconds².
        public var accuracyWeight: Double
        /// Steps of the central run whose adapters tell, before the run, which structural rank suits the channel; 0 keeps the
        /// adapters' own.
        public var pilotSteps: Int

        /// A limit and a weight above zero. Without a weight, to lose all of an update is as bad as to be late by the
        /// limit in a round as long as it.
        public init(limitSeconds: Double, accuracyWeight: Double? = nil, pilotSteps: Int = 10) {
            self.limitSeconds = limitSeconds
            self.pilotSteps = pilotSteps
            self.accuracyWeight = accuracyWeight ?? limitSeconds * limitSeconds
        }
    }

    /// Which method it is.
    public var method: ComparedMethod {
        switch self {
        case .splitfrozen: .splitfrozen
        case .splitlora: .splitlora
        case .fedlora: .fedlora
        case .hosl: .hosl
        case .zo: .zo
        case .soft: .soft
        case .central: .central
        }
    }
}
