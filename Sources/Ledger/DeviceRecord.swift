/// A device of a run.
public struct DeviceRecord: Codable, Sendable, Equatable {
    /// What a device is doing.
    public enum State: String, Codable, Sendable, CaseIterable {
        case absent, publishing, finished, away, failed
    }

    /// The run that it belongs to.
    public var run: String
    /// Unique in the run.
    public var id: String
    /// Its place in the run's plan, from 0.
    public var number: Int
    /// How many samples it holds.
    public var samples: Int
    /// What it is doing.
    public var state: State
    /// Blocks that it runs before publishing.
    public var cut: Int
    /// The generation of its newest assignment, 0 before the first.
    public var generation: Int
    /// The worker that it publishes to.
    public var worker: String?
    /// Nobody measures it: the column is part of a schema that ledgers have.
    private var embeddingSeconds: Double?
    /// Measured seconds per sample and block.
    public var blockSeconds: Double?
    /// Measured rate of its uplink.
    public var uplinkBytesPerSecond: Double?
    /// Memory that it may use.
    public var memoryBytes: Int?
    /// When its state was last recorded, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// A device without an assignment.
    public init(run: String, id: String, number: Int, samples: Int, state: State, cut: Int) {
        self.run = run
        self.id = id
        self.number = number
        self.samples = samples
        self.state = state
        self.cut = cut
        generation = 0
        time = 0
    }
}

extension DeviceRecord: StampedRow {
    static let table = "devices"
    static let key = ["run", "id"]
}

/// What was measured of a device; what was not measured this time is nil and stays as it was.
public struct DeviceMeasures: Sendable, Equatable {
    /// Seconds per sample and block.
    public var blockSeconds: Double?
    /// The rate of its uplink.
    public var uplinkBytesPerSecond: Double?

    /// Measurements.
    public init(blockSeconds: Double? = nil, uplinkBytesPerSecond: Double? = nil) {
        self.blockSeconds = blockSeconds
        self.uplinkBytesPerSecond = uplinkBytesPerSecond
    }
}
