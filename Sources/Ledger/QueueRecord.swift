/// What waits at a worker, and what its socket has carried, as it told last.
public struct QueueRecord: Codable, Sendable, Equatable {
    /// The run.
    public var run: String
    /// The worker's id.
    public var worker: String
    /// Messages that its store has.
    public var messages: Int
    /// Bytes of its store that are used.
    public var bytes: Int
    /// Bytes that its store may have.
    public var capacityBytes: Int
    /// Whether there is no room, so that devices wait.
    public var isFull: Bool
    /// For how long the oldest sample has waited that no step of the epoch has used; 0 when none waits.
    public var oldestAgeSeconds: Double
    /// Received since the worker was started.
    public var receivedBytes: Int
    /// Sent since the worker was started.
    public var sentBytes: Int
    /// Payload bytes of activations among those received, by the codec's name.
    public var codecBytes: [String: Int]
    /// When this was recorded, in seconds since 1970. The ledger sets it.
    public var time: Double

    /// A worker's queue.
    public init(
        run: String, worker: String, messages: Int, bytes: Int, capacityBytes: Int, isFull: Bool,
        oldestAgeSeconds: Double, receivedBytes: Int, sentBytes: Int, codecBytes: [String: Int]
    ) {
        self.run = run
        self.worker = worker
        self.messages = messages
        self.bytes = bytes
        self.capacityBytes = capacityBytes
        self.isFull = isFull
        self.oldestAgeSeconds = oldestAgeSeconds
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
        self.codecBytes = codecBytes
        time = 0
    }
}

extension QueueRecord: StampedRow {
    static let table = "queues"
    static let key = ["run", "worker"]
}
