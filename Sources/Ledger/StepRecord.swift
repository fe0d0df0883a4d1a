/// A step of training: a link of the run's chain.
public struct StepRecord: Codable, Sendable, Equatable {
    /// The run that took it.
    public var run: String
    /// From 1.
    public var step: Int
    /// From 1.
    public var epoch: Int
    /// Mean cross-entropy of the step's samples in nats; nil when it was not a number.
    public var loss: Double?
    /// Fraction of the step's samples that were predicted correctly; nil when there is none.
    public var accuracy: Double?
    /// The optimizer's rate in this step; nil when it was not told.
    public var learningRate: Double?
    /// Tokens of the step.
    public var tokens: Int
    /// Samples of the step.
    public var samples: Int
    /// The samples that were trained on, in their order.
    @StoredWords public var sampleIDs: [UInt64]
    /// A digest of what trains, after the step; empty when none was made.
    public var adapterDigest: String
    /// How long the step took; nil when it was not told.
    public var seconds: Double?
    /// The worker that took it.
    public var worker: String
    /// SHA-256 over the hash of the step before, step, epoch, samples and digest. The ledger sets it.
    public var hash: String
    /// How often a worker took the step again with the same result. The ledger sets it.
    public var retaken: Int
    /// When it was recorded first, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// A step as a worker told it.
    public init(
        run: String, step: Int, epoch: Int, loss: Double?, accuracy: Double?, learningRate: Double?, tokens: Int,
        samples: Int, sampleIDs: [UInt64], adapterDigest: String, seconds: Double?, worker: String
    ) {
        self.run = run
        self.step = step
        self.epoch = epoch
        self.loss = loss
        self.accuracy = accuracy
        self.learningRate = learningRate
        self.tokens = tokens
        self.samples = samples
        self.sampleIDs = sampleIDs
        self.adapterDigest = adapterDigest
        self.seconds = seconds
        self.worker = worker
        hash = ""
        retaken = 0
        time = 0
    }

    /// Whether both are the same step with the same result.
    func hasResult(of other: StepRecord) -> Bool {
        step == other.step && epoch == other.epoch && sampleIDs == other.sampleIDs
            && adapterDigest == other.adapterDigest
    }
}

extension StepRecord: StampedRow {
    static let table = "steps"
    static let key = ["run", "step"]
}
