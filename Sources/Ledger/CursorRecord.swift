/// Where a device's publishing stands: the live figures of `permafrost top`.
public struct CursorRecord: Codable, Sendable, Equatable {
    /// The run of the device.
    public var run: String
    /// The device's id.
    public var device: String
    /// Samples that the worker has stored durably.
    public var settledSamples: Int
    /// Messages that the worker has stored durably.
    public var settledMessages: Int
    /// Payload bytes that the worker has stored durably.
    public var settledBytes: Int
    /// Payload bytes that were received and are not stored yet.
    public var pendingBytes: Int
    /// Payload bytes that the device may still send.
    public var creditBytes: Int
    /// Messages that came again because their acknowledgement was late or lost.
    public var redelivered: Int
    /// Messages that came again after they had been stored.
    public var duplicates: Int
    /// Messages that were given up.
    public var dead: Int
    /// From a heartbeat to its answer, nil before the first.
    public var roundTripSeconds: Double?
    /// For how long nothing had been heard of the device when this was recorded.
    public var silentSeconds: Double
    /// When this was recorded, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// A device that has published nothing yet.
    public init(run: String, device: String) {
        self.run = run
        self.device = device
        settledSamples = 0
        settledMessages = 0
        settledBytes = 0
        pendingBytes = 0
        creditBytes = 0
        redelivered = 0
        duplicates = 0
        dead = 0
        silentSeconds = 0
        time = 0
    }

    /// When the device was last heard of, in seconds since 1970.
    public var lastSeen: Double { time - silentSeconds }
}

extension CursorRecord: StampedRow {
    static let table = "cursors"
    static let key = ["run", "device"]
}
