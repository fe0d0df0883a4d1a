/// Something that happened in a run, for `permafrost run logs`.
public struct EventRecord: Codable, Sendable, Equatable {
    /// How much it matters.
    public enum Level: String, Codable, Sendable, CaseIterable {
        case info, warning, error
    }

    /// Counts the ledger's events. The ledger sets it.
    public var id: Int64
    /// The run.
    public var run: String
    /// When, in seconds since 1970. The ledger sets it.
    public var time: Double
    /// How much it matters.
    public var level: Level
    /// What it happened to: `coordinator`, `worker` or `device`.
    public var role: String
    /// The id of that.
    public var source: String
    /// What happened, in a sentence.
    public var text: String

    /// An event.
    public init(run: String, level: Level, role: String, source: String, text: String) {
        id = 0
        self.run = run
        time = 0
        self.level = level
        self.role = role
        self.source = source
        self.text = text
    }
}

extension EventRecord: StampedRow, NumberedRow {
    static let table = "events"
    static let key = ["id"]
}
