import Wire

/// The worker's memory of which messages it has: each part of a sequence of a device is applied once, whatever arrives.
///
/// What is settled comes from the store and goes there: this only adds what is on its way. Devices are known by their
/// numbers, for a message may come from a worker that hands it over.
public struct Ingress: Sendable {
    /// What to do with a part of a message that has arrived.
    public enum Decision: Sendable, Equatable {
        /// Check it, store it, then call `stored` and acknowledge; or call `rejected` and answer with the error.
        case store
        /// It is stored already: acknowledge it again.
        case acknowledgeAgain
        /// An earlier copy is on its way to the store: drop this one, the acknowledgement will come.
        case wait
        /// Another version of it is on its way to the store: drop this one, it will come again.
        case drop
        /// Answer with the error, which is counted already.
        case reject(WireError)
    }

    /// Totals since the start.
    public struct Counts: Sendable, Equatable {
        /// Everything that arrived, readable or not.
        public var received = 0
        /// Parts of messages that were stored.
        public var applied = 0
        /// Parts that were stored, or on their way, already.
        public var duplicate = 0
        /// Parts that arrived with an attempt above 1.
        public var redelivered = 0
        /// Rejections by protocol error number.
        public var rejected: [UInt32: Int] = [:]
        /// Messages that were given up.
        public var deadLettered = 0
    }

    /// How often messages of one device came again, and how many were given up; in earlier processes too.
    public struct DeviceCounts: Sendable, Equatable {
        /// As in `Counts.duplicate` and `.redelivered`.
        public var counters = StoreCounters()
        /// Messages that were given up.
        public var dead = 0
    }

    /// What has happened so far.
    public private(set) var counts = Counts()

    private let maximumRejections: Int
    private let maximumDeadLetters: Int
    private var devices: [UInt32: DeviceIngress] = [:]

    /// An ingress that expects no device yet.
    ///
    /// - Parameters:
    ///   - maximumRejections: rejections of one sequence before it becomes a dead letter.
    ///   - maximumDeadLetters: dead letters of one device before all its messages are refused.
    public init(maximumRejections: Int = 3, maximumDeadLetters: Int = 16) {
        self.maximumRejections = maximumRejections
        self.maximumDeadLetters = maximumDeadLetters
    }

    /// Takes messages of a device from now on.
    ///
    /// - Parameters:
    ///   - samples: how many it holds, thus the most sequences.
    ///   - settled: what the store has of it. Of a message that is not complete it may have parts: they count as
    ///     missing, for the device sends whole messages after each introduction, and the store knows them again.
    ///   - dead: messages that were given up.
    ///   - counters: of earlier processes.
    public mutating func expect(
        _ device: UInt32, samples: UInt64, settled: SequenceSet = SequenceSet(), dead: Set<UInt64> = [],
        counters: StoreCounters = StoreCounters()
    ) {
        devices[device] = DeviceIngress(samples: samples, settled: settled, dead: dead, counters: counters)
    }

    /// A device begins a new session: what it sent in part comes again from the beginning, with attempts of its own,
    /// except what is on its way to the store.
    public mutating func introduced(_ device: UInt32) { devices[device]?.forgetUnfinished() }

    /// The messages of a device that are complete.
    public func settled(of device: UInt32) -> SequenceSet { devices[device]?.settled ?? SequenceSet() }

    /// How the messages of a device came.
    public func counts(of device: UInt32) -> DeviceCounts { devices[device]?.counts ?? DeviceCounts() }

    /// Decides about a part of a message by its header.
    ///
    /// - Parameter description: equal exactly for headers that say the same of the whole message.
    public mutating func arrived(_ part: MessagePart, attempt: UInt32, description: Int = 0) -> Decision {
        counts.received += 1
        if attempt > 1 { counts.redelivered += 1 }
        let decision =
            devices[part.device]?.arrived(
                part, attempt: attempt, description: description, maximumDeadLetters: maximumDeadLetters)
            ?? .reject(.unknownSender("device number \(part.device)"))
        switch decision {
        case .store: break
        case .acknowledgeAgain, .wait, .drop: counts.duplicate += 1
        case .reject(let error): counts.rejected[error.number, default: 0] += 1
        }
        return decision
    }

    /// A part with the decision `.store` is stored.
    ///
    /// - Parameter isComplete: whether it was the last one, so that all samples of the message are there.
    public mutating func stored(_ part: MessagePart, isComplete: Bool) {
        counts.applied += 1
        devices[part.device]?.stored(part, isComplete: isComplete)
    }

    /// A part with the decision `.store` failed a check or found no room. Refusals that say nothing about the message
    /// are not held against it.
    ///
    /// - Returns: whether the message was given up with this: further attempts will be refused.
    @discardableResult
    public mutating func rejected(_ part: MessagePart, error: WireError) -> Bool {
        counts.rejected[error.number, default: 0] += 1
        // Credit is an affair of the sender's account, not of what it sent.
        let isPassing = WireError.passingNumbers.contains(error.number) || error.kind == .creditExceeded
        guard
            devices[part.device]?.rejected(part, isPassing: isPassing, maximumRejections: maximumRejections) == true
        else { return false }
        counts.deadLettered += 1
        return true
    }

    /// A message that was settled turns out to be damaged: it may come again.
    public mutating func unsettle(_ sequence: UInt64, of device: UInt32) {
        devices[device]?.settled.remove(sequence)
    }

    /// A message could not even be attributed to a device and sequence: it is counted.
    public mutating func unreadable(_ error: WireError) {
        counts.received += 1
        counts.rejected[error.number, default: 0] += 1
    }
}

/// The messages of one device.
private struct DeviceIngress: Sendable {
    enum State { case pending, stored, rejected }

    struct Part {
        var state: State
        var attempt: UInt32
    }

    /// A message that is not settled, of which something arrived.
    struct Unfinished {
        var parts: UInt32
        var description: Int
        var arrived: [UInt32: Part] = [:]
        var rejections = 0

        var hasTaken: Bool { arrived.values.contains { $0.state != .rejected } }

        var isPending: Bool { arrived.values.contains { $0.state == .pending } }
    }

    let samples: UInt64
    var settled: SequenceSet
    var dead: Set<UInt64>
    var counts: Ingress.DeviceCounts
    var unfinished: [UInt64: Unfinished] = [:]

    init(samples: UInt64, settled: SequenceSet, dead: Set<UInt64>, counters: StoreCounters) {
        self.samples = samples
        self.settled = settled
        self.dead = dead
        counts = Ingress.DeviceCounts(counters: counters, dead: dead.count)
    }

    mutating func forgetUnfinished() {
        for (sequence, message) in unfinished {
            var message = message
            message.arrived = message.arrived.filter { $0.value.state == .pending }
            unfinished[sequence] = message.arrived.isEmpty && message.rejections == 0 ? nil : message
        }
    }

    mutating func arrived(
        _ part: MessagePart, attempt: UInt32, description: Int, maximumDeadLetters: Int
    ) -> Ingress.Decision {
        if attempt > 1 { counts.counters.redelivered += 1 }
        let sequence = part.sequence
        if dead.contains(sequence) { return .reject(.deadLettered(sequence: sequence)) }
        guard dead.count < maximumDeadLetters else { return .reject(.senderRefused(deadLetters: dead.count)) }
        guard sequence >= 1, sequence <= samples else {
            return .reject(.sequenceOutOfRange(sequence: sequence, samples: samples))
        }
        guard !settled.contains(sequence) else { return again(.acknowledgeAgain) }
        var message = unfinished[sequence] ?? Unfinished(parts: part.parts, description: description)
        if !message.hasTaken {
            // What was refused binds nobody.
            (message.parts, message.description) = (part.parts, description)
        } else if message.parts != part.parts || message.description != description {
            // In one session a device does not change its mind; what an earlier one sent is soon stored.
            return message.isPending ? again(.drop) : .reject(.partsDiffer(sequence: sequence))
        }
        switch message.arrived[part.part] {
        case .none: break
        case .some(let earlier) where earlier.state == .stored: return again(.acknowledgeAgain)
        case .some(let earlier) where earlier.state == .pending: return again(.wait)
        case .some(let earlier):
            guard attempt > earlier.attempt else {
                return .reject(.staleAttempt(attempt: attempt, latest: earlier.attempt))
            }
        }
        message.arrived[part.part] = Part(state: .pending, attempt: attempt)
        unfinished[sequence] = message
        return .store
    }

    private mutating func again(_ decision: Ingress.Decision) -> Ingress.Decision {
        counts.counters.duplicates += 1
        return decision
    }

    mutating func stored(_ part: MessagePart, isComplete: Bool) {
        unfinished[part.sequence]?.arrived[part.part]?.state = .stored
        guard isComplete else { return }
        settled.insert(part.sequence)
        unfinished[part.sequence] = nil
    }

    /// - Returns: whether the message is given up.
    mutating func rejected(_ part: MessagePart, isPassing: Bool, maximumRejections: Int) -> Bool {
        guard var message = unfinished[part.sequence] else { return false }
        if isPassing {
            message.arrived[part.part] = nil
        } else {
            message.arrived[part.part]?.state = .rejected
            message.rejections += 1
        }
        unfinished[part.sequence] = message
        guard message.rejections >= maximumRejections else { return false }
        dead.insert(part.sequence)
        counts.dead += 1
        unfinished[part.sequence] = nil
        return true
    }
}

extension SequenceSet {
    /// Takes a number out.
    mutating func remove(_ number: UInt64) {
        self = SequenceSet(
            ranges.flatMap { range -> [ClosedRange<UInt64>] in
                guard range.contains(number) else { return [range] }
                var rest: [ClosedRange<UInt64>] = []
                if range.lowerBound < number { rest.append(range.lowerBound...number - 1) }
                if number < range.upperBound { rest.append(number + 1...range.upperBound) }
                return rest
            })
    }
}
