/// What an operator wants of the coordinator.
public struct OrderRecord: Codable, Sendable, Equatable {
    /// What is to be done.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// End a run after the step under way.
        case stop
        /// Let a worker hand over and leave.
        case drain
    }

    /// Counts the ledger's orders. The ledger sets it.
    public var id: Int64
    /// What is to be done.
    public var kind: Kind
    /// The run.
    public var run: String
    /// The worker to drain; the run's id for a run to stop.
    public var target: String
    /// When it was given, in seconds since 1970. The ledger sets it.
    public var time: Double
    /// When the coordinator took it, in seconds since 1970.
    public var taken: Double?

    init(kind: Kind, run: String, target: String) {
        id = 0
        self.kind = kind
        self.run = run
        self.target = target
        time = 0
    }
}

extension OrderRecord: StampedRow, NumberedRow {
    static let table = "orders"
    static let key = ["id"]
}
