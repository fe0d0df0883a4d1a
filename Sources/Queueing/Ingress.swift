import Wire

/// The worker's memory of which messages it has: each sequence of a device is applied once, whatever arrives.
///
/// For each device it keeps the sequence up to which everything is settled, and a bounded window beyond it.
public struct Ingress: Sendable {
    /// What to do with a message that has arrived.
    public enum Decision: Sendable, Equatable {
        /// Check it, store it, then call `stored` and acknowledge; or call `rejected` and answer with the error.
        case store
        /// It is stored already: acknowledge it again.
        case acknowledgeAgain
        /// An earlier copy is on its way to the store: drop this one, its acknowledgement will come.
        case wait
        /// Answer with the error, which is counted already.
        case reject(WireError)
    }

    /// A message that was rejected too often.
    public struct DeadLetter: Sendable, Equatable {
        /// Who sent it.
        public let device: String
        /// The message.
        public let sequence: UInt64
        /// The last rejection.
        public let error: WireError
    }

    /// Totals since the start.
    public struct Counts: Sendable, Equatable {
        /// Everything that arrived, readable or not.
        public var received = 0
        /// Messages that were stored.
        public var applied = 0
        /// Messages that were stored, or on their way, already.
        public var duplicate = 0
        /// Messages that arrived with an attempt above 1.
        public var redelivered = 0
        /// Rejections by protocol error number.
        public var rejected: [UInt32: Int] = [:]
        /// Messages that were given up.
        public var deadLettered = 0
    }

    /// What has happened so far.
    public private(set) var counts = Counts()

    /// The latest messages that were given up, oldest first, at most as many as one device may have.
    public private(set) var deadLetters: [DeadLetter] = []

    private let window: Int
    private let maximumRejections: Int
    private let maximumDeadLetters: Int
    private var devices: [String: DeviceIngress] = [:]

    /// An ingress that expects no device yet.
    ///
    /// - Parameters:
    ///   - window: how far beyond the first unsettled sequence a message may be.
    ///   - maximumRejections: rejections of one sequence before it becomes a dead letter.
    ///   - maximumDeadLetters: dead letters of one device before all its messages are refused.
    public init(window: Int = 1024, maximumRejections: Int = 3, maximumDeadLetters: Int = 16) {
        self.window = window
        self.maximumRejections = maximumRejections
        self.maximumDeadLetters = maximumDeadLetters
    }

    /// Takes messages of a device, from sequence 1 on. Expecting it again forgets what it sent before.
    public mutating func expect(_ device: String) { devices[device] = DeviceIngress() }

    /// Decides about a message by its header.
    public mutating func arrived(from device: String, sequence: UInt64, attempt: UInt32) -> Decision {
        counts.received += 1
        if attempt > 1 { counts.redelivered += 1 }
        let decision =
            devices[device]?.arrived(
                sequence: sequence, attempt: attempt, window: window, maximumDeadLetters: maximumDeadLetters)
            ?? .reject(.unknownSender(device))
        switch decision {
        case .store: break
        case .acknowledgeAgain, .wait: counts.duplicate += 1
        case .reject(let error): counts.rejected[error.number, default: 0] += 1
        }
        return decision
    }

    /// A message with the decision `.store` is stored, all its samples.
    public mutating func stored(from device: String, sequence: UInt64) {
        counts.applied += 1
        devices[device]?.settle(sequence)
    }

    /// A message with the decision `.store` failed a check or found no room.
    ///
    /// - Returns: whether it was given up: further attempts will be refused.
    @discardableResult
    public mutating func rejected(from device: String, sequence: UInt64, error: WireError) -> Bool {
        counts.rejected[error.number, default: 0] += 1
        guard let rejections = devices[device]?.reject(sequence), rejections >= maximumRejections else { return false }
        devices[device]?.bury(sequence)
        counts.deadLettered += 1
        deadLetters.append(DeadLetter(device: device, sequence: sequence, error: error))
        if deadLetters.count > maximumDeadLetters { deadLetters.removeFirst() }
        return true
    }

    /// A message could not even be attributed to a device and sequence: it is counted.
    public mutating func unreadable(_ error: WireError) {
        counts.received += 1
        counts.rejected[error.number, default: 0] += 1
    }
}

/// The sequences of one device.
private struct DeviceIngress: Sendable {
    enum State { case pending, stored, rejected }

    struct Entry {
        var state: State
        var attempt: UInt32
        var rejections = 0
    }

    /// Every sequence up to here is stored or a dead letter.
    var settledThrough: UInt64 = 0
    var entries: [UInt64: Entry] = [:]
    /// Kept for ever: a dead letter below `settledThrough` must not be taken for a stored message.
    var dead: Set<UInt64> = []

    mutating func arrived(
        sequence: UInt64, attempt: UInt32, window: Int, maximumDeadLetters: Int
    ) -> Ingress.Decision {
        if dead.contains(sequence) { return .reject(.deadLettered(sequence: sequence)) }
        guard dead.count < maximumDeadLetters else { return .reject(.senderRefused(deadLetters: dead.count)) }
        if sequence >= 1, sequence <= settledThrough { return .acknowledgeAgain }
        guard sequence >= 1, sequence - settledThrough <= UInt64(window) else {
            return .reject(
                .sequenceOutOfRange(sequence: sequence, samples: settledThrough + UInt64(window)))
        }
        guard let entry = entries[sequence] else {
            entries[sequence] = Entry(state: .pending, attempt: attempt)
            return .store
        }
        switch entry.state {
        case .stored: return .acknowledgeAgain
        case .pending: return .wait
        case .rejected:
            guard attempt > entry.attempt else {
                return .reject(.staleAttempt(attempt: attempt, latest: entry.attempt))
            }
            entries[sequence]?.state = .pending
            entries[sequence]?.attempt = attempt
            return .store
        }
    }

    mutating func settle(_ sequence: UInt64) {
        entries[sequence]?.state = .stored
        advance()
    }

    /// How often the sequence was rejected, this time included.
    mutating func reject(_ sequence: UInt64) -> Int {
        entries[sequence]?.state = .rejected
        entries[sequence]?.rejections += 1
        return entries[sequence]?.rejections ?? 0
    }

    mutating func bury(_ sequence: UInt64) {
        dead.insert(sequence)
        entries[sequence]?.state = .stored
        advance()
    }

    private mutating func advance() {
        while entries[settledThrough + 1]?.state == .stored {
            entries[settledThrough + 1] = nil
            settledThrough += 1
        }
    }
}
