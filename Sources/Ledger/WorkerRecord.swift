/// A worker of a run.
public struct WorkerRecord: Codable, Sendable, Equatable {
    /// What a worker is doing.
    public enum State: String, Codable, Sendable, CaseIterable {
        case standby, replica, training, draining, drained, away, failed
    }

    /// The run that it belongs to.
    public var run: String
    /// Unique in the run.
    public var id: String
    /// Where it waits for devices.
    public var endpoint: String
    /// Its public key as text, empty without encryption.
    public var publicKey: String
    /// What it is doing.
    public var state: State
    /// The session of its newest introduction.
    @StoredBits public var session: UInt64
    /// The last step that it told of, 0 before the first.
    public var step: Int
    /// When its state was last recorded, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// A worker that has introduced itself.
    public init(
        run: String, id: String, endpoint: String, publicKey: String, state: State, session: UInt64, step: Int = 0
    ) {
        self.run = run
        self.id = id
        self.endpoint = endpoint
        self.publicKey = publicKey
        self.state = state
        self.session = session
        self.step = step
        time = 0
    }
}

extension WorkerRecord: StampedRow {
    static let table = "workers"
    static let key = ["run", "id"]
}
