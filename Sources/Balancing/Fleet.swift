/// A fleet of devices, and for `Simulation` its server and its run.
public struct Fleet: Sendable, Equatable {
    /// A bandwidth that all uplinks share, with path loss and Rayleigh block fading.
    public struct Radio: Sendable, Equatable {
        /// The bandwidth of all uplinks together; nil for a fleet whose classes say how fast their uplinks are.
        public var bandwidthHertz: Double?
        /// The time for which fading stays as it is.
        public var blockSeconds = 1.0
        /// The mean ratio of signal to noise at the reference distance, in decibels.
        public var referenceSNRDecibels = 20.0
        /// The distance at which that holds.
        public var referenceMetres = 100.0
        /// The signal falls with this power of the distance.
        public var pathLossExponent = 3.5

        /// No radio.
        public init() {}
    }

    /// The fleet's name.
    public var name = ""
    /// The seed of every use of chance.
    public var seed: UInt64 = 1
    /// The model's facts, with the number of epochs.
    public var model = ModelFacts(
        frozenBlocks: 0, bytesPerToken: 0, memoryBytesPerBlock: 0, fixedMemoryBytes: 0, epochs: 1)
    /// Floating-point operations of a token in one block; nil when classes say how many tokens they take.
    public var blockFlopsPerToken: Double?
    /// The bandwidth that uplinks share.
    public var radio = Radio()
    /// The workers' number.
    public var workers = 1
    /// Tokens that a worker takes through one frozen block in a second.
    public var advanceBlockTokensPerSecond = 0.0
    /// Tokens that a worker trains in a second.
    public var stepTokensPerSecond = 0.0
    /// Samples of one step.
    public var batch = 16
    /// Samples of one message.
    public var publishBatch = 8
    /// Payload bytes that all devices may have on their way.
    public var ingestBytes = 1 << 30
    /// The cut with which a run begins and with which equal cuts go on; nil for the deepest that fits everybody.
    public var equalCut: Int?
    /// The share by which a speed must move before cuts are chosen anew.
    public var change = 0.25
    /// The share of the predicted time by which a new plan must be shorter.
    public var improvement = 0.05
    /// Seconds between two looks at the measures.
    public var reportSeconds = 10.0
    /// Relative standard deviation of each duration around its mean.
    public var noise = 0.1
    /// The classes.
    public var classes: [DeviceClass] = []

    /// A fleet of no devices.
    public init() {}

    /// The deepest cut that every device's memory holds: the best that equal cuts can do for the server.
    public var deepestCommonCut: Int { classes.map { model.largestCut(memoryBytes: $0.memoryBytes) }.min() ?? 0 }

    /// The bytes of a device's largest message.
    func messageBytes(_ kind: DeviceClass) -> Int {
        max(1, Int(Double(min(publishBatch, kind.samples)) * kind.tokensPerSample * model.bytesPerToken))
    }
}
