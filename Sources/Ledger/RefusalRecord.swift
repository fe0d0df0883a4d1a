/// What one listening role has refused since it was started.
public struct RefusalRecord: Codable, Sendable, Equatable {
    /// The run.
    public var run: String
    /// `coordinator` or `worker`.
    public var role: String
    /// The id of that.
    public var source: String
    /// Handshakes that were refused or never finished.
    public var handshakes: Int
    /// Messages that were refused.
    public var messages: Int
    /// How often each reason held, by its name.
    public var reasons: [String: Int]
    /// When this was recorded, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// Counts of a role.
    public init(
        run: String, role: String, source: String, handshakes: Int, messages: Int, reasons: [String: Int]
    ) {
        self.run = run
        self.role = role
        self.source = source
        self.handshakes = handshakes
        self.messages = messages
        self.reasons = reasons
        time = 0
    }
}

extension RefusalRecord: StampedRow {
    static let table = "refusals"
    static let key = ["run", "role", "source"]
}
