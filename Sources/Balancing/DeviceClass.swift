import Datasets

extension Fleet {
    /// The numbers that products are computed with.
    public enum Precision: String, Sendable, CaseIterable {
        /// Four bytes.
        case fp32
        /// Two bytes, eight bits of precision.
        case bf16
    }

    /// Devices that are alike.
    public struct DeviceClass: Sendable, Equatable {
        /// The class's name; device ids begin with it.
        public var name = ""
        /// The built-in class whose figures hold where the file gives none.
        public var like: String?
        /// How many there are.
        public var count = 0
        /// Floating-point operations a second that products of four-byte numbers reach.
        public var fp32FlopsPerSecond: Double?
        /// The same for two-byte numbers; nil when they are no faster.
        public var bf16FlopsPerSecond: Double?
        /// Tokens that a device takes through one block in a second.
        public var blockTokensPerSecond = 0.0
        /// Payload bytes a second.
        public var uplinkBytesPerSecond = 0.0
        /// Payload bytes a second; nil when it is as fast as the uplink.
        public var downlinkBytesPerSecond: Double?
        /// To the worker and back.
        public var roundTripSeconds = 0.05
        /// How far it is from the base station, for fleets with a radio.
        public var distanceMetres: Double?
        /// What the device may use for the model.
        public var memoryBytes = 0
        /// What it draws while it computes or sends; nil when nobody knows: then nothing is said of its energy.
        public var watts: Double?
        /// When it is there; empty for all the time.
        public var windows: [Availability.Window] = []
        /// The windows come again after so long.
        public var windowPeriodSeconds = 86_400.0
        /// The share of all data that the class's devices hold together; nil when all devices hold equally much.
        public var dataShare: Double?
        /// How its data is skewed; nil for as the run says.
        public var labelSkew: Partition?
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

        /// Floating-point operations a second, nil when the class does not say.
        public func flopsPerSecond(_ precision: Precision) -> Double? {
            switch precision {
            case .fp32: fp32FlopsPerSecond
            case .bf16: bf16FlopsPerSecond ?? fp32FlopsPerSecond
            }
        }
    }
}
