/// Who computes how many blocks, how far each device may send ahead, where its samples go, and why.
public struct Plan: Codable, Sendable, Equatable {
    /// What one device shall do.
    public struct Assignment: Codable, Sendable, Equatable {
        /// The device's id.
        public var device: String
        /// Blocks that it runs before publishing.
        public var cut: Int
        /// Payload bytes that it may have on their way.
        public var creditBytes: Int
        /// The worker that it publishes to.
        public var worker: String
        /// Why, in a sentence.
        public var reason: String
    }

    /// One for each device, in the order in which the devices were given.
    public var assignments: [Assignment]
    /// How long the rest of the run takes with these cuts, and what it waits for.
    public var prediction: Prediction

    /// Whether every device that has still to publish had been measured, so that the prediction leaves nothing out.
    public var isComplete: Bool

    /// How long the rest of the run takes with these cuts, in seconds; nil while something is unmeasured.
    public var predictedSeconds: Double? { isComplete ? prediction.seconds : nil }
    /// What the run waits for.
    public var bottleneck: Bottleneck { prediction.bottleneck }
    /// Blocks by device, in the devices' order.
    public var cuts: [Int] { assignments.map(\.cut) }
}

/// What a run waits for.
public enum Bottleneck: Codable, Sendable, Equatable, CustomStringConvertible {
    /// The server's work: missing frozen blocks and steps.
    case server
    /// A device that computes longest.
    case computing(device: String)
    /// A device that sends longest.
    case uplink(device: String)

    /// `server`, `computing of phone-3` or `uplink of phone-3`.
    public var description: String {
        switch self {
        case .server: "server"
        case .computing(let device): "computing of \(device)"
        case .uplink(let device): "uplink of \(device)"
        }
    }
}
