/// The most memory that a device's process has had, as it told last.
public struct PeakRecord: Codable, Sendable, Equatable {
    /// The run.
    public var run: String
    /// The device's id.
    public var device: String
    /// Resident at most.
    public var peakBytes: Int
    /// When this was recorded, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// What a device has told.
    public init(run: String, device: String, peakBytes: Int) {
        self.run = run
        self.device = device
        self.peakBytes = peakBytes
        time = 0
    }
}

extension PeakRecord: StampedRow {
    static let table = "peaks"
    static let key = ["run", "device"]
}
