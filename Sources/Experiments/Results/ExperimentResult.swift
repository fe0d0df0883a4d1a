/// Which run of a comparison.
public struct ExperimentKey: Codable, Hashable, Sendable {
    /// Such as `fedlora`.
    public var method: String
    /// How labels are spread over devices, as a recipe writes it: `iid`, `dirichlet(0.1)`.
    public var imbalance: String
    /// Decides every use of chance.
    public var seed: UInt64

    /// A run of a comparison.
    public init(method: String, imbalance: String, seed: UInt64) {
        self.method = method
        self.imbalance = imbalance
        self.seed = seed
    }
}

/// What became of one run. Gradients and bytes are real; times of the fleet are
/// *simulated*.
public struct ExperimentResult: Codable, Equatable, Sendable {
    /// What is known at one evaluation. Everything but accuracy and loss is summed since the run began.
    public struct Point: Codable, Equatable, Sendable {
        /// Steps or rounds of the server.
        public var step: Int
        /// Tokens of the steps so far, once a step however many probes it has: what makes budgets of methods comparable.
        public var tokens: Int
        /// *Simulated* seconds on the fleet's clock.
        public var simulatedSeconds: Double
        /// What this machine took.
        public var measuredSeconds: Double
        /// Targets of the examples that were scored: of fewer on the way than at the end, perhaps.
        public var scored: Int
        /// Share of right predictions of these.
        public var accuracy: Double
        /// Mean over these targets, in nats.
        public var loss: Double
        /// From all devices.
        public var bytesUp: Int
        /// To all devices.
        public var bytesDown: Int
        /// Of all devices, by shape.
        public var deviceFLOPs: Double
        /// Of the server, by shape.
        public var serverFLOPs: Double

        /// Where keys become snake case, an abbreviation is a word.
        enum CodingKeys: String, CodingKey {
            case step, tokens, simulatedSeconds, measuredSeconds, scored, accuracy, loss, bytesUp, bytesDown
            case deviceFLOPs = "deviceFlops", serverFLOPs = "serverFlops"
        }

        /// What is known at an evaluation.
        public init(
            step: Int, tokens: Int, simulatedSeconds: Double, measuredSeconds: Double, scored: Int, accuracy: Double,
            loss: Double, bytesUp: Int, bytesDown: Int, deviceFLOPs: Double, serverFLOPs: Double
        ) {
            self.step = step
            self.tokens = tokens
            self.simulatedSeconds = simulatedSeconds
            self.measuredSeconds = measuredSeconds
            self.scored = scored
            self.accuracy = accuracy
            self.loss = loss
            self.bytesUp = bytesUp
            self.bytesDown = bytesDown
            self.deviceFLOPs = deviceFLOPs
            self.serverFLOPs = serverFLOPs
        }
    }

    /// One device's share of the run.
    public struct Device: Codable, Equatable, Sendable {
        /// Its class of the fleet.
        public var deviceClass: String
        /// Training samples that it holds.
        public var samples: Int
        /// Blocks that it computes.
        public var cut: Int
        /// By shape.
        public var flops: Double
        /// Sent.
        public var bytesUp: Int
        /// Received.
        public var bytesDown: Int
        /// What the method needs to hold there, by shape: weights, activations, optimizer.
        public var memoryBytes: Int
        /// *Simulated* seconds of computing.
        public var computeSeconds: Double
        /// *Simulated* seconds of its uplink.
        public var uploadSeconds: Double
        /// *Simulated* seconds of its downlink.
        public var downloadSeconds: Double
        /// Nil where its class states no watts.
        public var joules: Double?
        /// *Simulated* seconds of a round, from having its adapters to having sent an update: the mean; nil without rounds.
        public var roundSeconds: Double?
        /// The longest virtual queue of `tsfa`, in *simulated* seconds.
        public var queueSeconds: Double?

        /// A device's share.
        public init(
            deviceClass: String, samples: Int, cut: Int, flops: Double, bytesUp: Int, bytesDown: Int, memoryBytes: Int,
            computeSeconds: Double, uploadSeconds: Double, downloadSeconds: Double, joules: Double?,
            roundSeconds: Double? = nil, queueSeconds: Double? = nil
        ) {
            self.deviceClass = deviceClass
            self.samples = samples
            self.cut = cut
            self.flops = flops
            self.bytesUp = bytesUp
            self.bytesDown = bytesDown
            self.memoryBytes = memoryBytes
            self.computeSeconds = computeSeconds
            self.uploadSeconds = uploadSeconds
            self.downloadSeconds = downloadSeconds
            self.joules = joules
            self.roundSeconds = roundSeconds
            self.queueSeconds = queueSeconds
        }
    }

    /// Which run.
    public var key: ExperimentKey
    /// With which learning rate of the server; of the devices where nothing trains on the server.
    public var learningRate: Double
    /// Share of the most frequent class of the evaluation set.
    public var majorityRate: Double
    /// From before the first step to after the last.
    public var points: [Point]
    /// By number.
    public var devices: [Device]
    /// Payloads by the message's kind, such as `up activations`, four bytes a number, and apart what frames have beyond that:
    /// headers, in which targets and losses may take less.
    public var bytesByKind: [String: Int]
    /// The rank that `tsfa` chose before it began.
    public var rank: Int?

    /// What became of a run.
    public init(
        key: ExperimentKey, learningRate: Double, majorityRate: Double, points: [Point], devices: [Device],
        bytesByKind: [String: Int], rank: Int? = nil
    ) {
        self.key = key
        self.learningRate = learningRate
        self.majorityRate = majorityRate
        self.points = points
        self.devices = devices
        self.bytesByKind = bytesByKind
        self.rank = rank
    }
}
