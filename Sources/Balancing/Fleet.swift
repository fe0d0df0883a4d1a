/// A fleet of devices, its server and its run, as `Simulation` needs it.
public struct Fleet: Sendable, Equatable {
    /// Devices that are alike.
    public struct DeviceClass: Sendable, Equatable {
        /// The class's name; device ids begin with it.
        public var name = ""
        /// How many there are.
        public var count = 0
        /// Tokens that a device takes through one block in a second.
        public var blockTokensPerSecond = 0.0
        /// Payload bytes a second.
        public var uplinkBytesPerSecond = 0.0
        /// To the worker and back.
        public var roundTripSeconds = 0.05
        /// What the device may use for the model.
        public var memoryBytes = 0
        /// Samples of one device.
        public var samples = 0
        /// Tokens of one sample.
        public var tokensPerSample = 64.0
        /// Relative standard deviation of speed and uplink from device to device.
        public var spread = 0.1
        /// A device joins at a time drawn evenly from the run's begin to here.
        public var lateSeconds = 0.0
        /// The share of devices that go away once.
        public var awayShare = 0.0
        /// When they go.
        public var awayAfterSeconds = 0.0
        /// How long they stay away.
        public var awaySeconds = 0.0
        /// The share of devices that become slower.
        public var slowShare = 0.0
        /// When they do.
        public var slowAfterSeconds = 0.0
        /// How many times longer they compute from then on.
        public var slowFactor = 1.0

        /// A class of no devices.
        public init() {}
    }

    /// The fleet's name.
    public var name = ""
    /// The seed of every use of chance.
    public var seed: UInt64 = 1
    /// The model's facts, with the number of epochs.
    public var model = ModelFacts(
        frozenBlocks: 0, bytesPerToken: 0, memoryBytesPerBlock: 0, fixedMemoryBytes: 0, epochs: 1)
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
