import Wire

/// Changes of an index that are planned and not made yet, so that a transaction that fails leaves the index as it was.
///
/// Each `plan` checks a whole change before it notes anything of it.
struct StoreDraft {
    /// What differs from the index.
    struct Changes {
        var samples: [UInt64: StoreIndex.Kept] = [:]
        /// Messages whose stored parts changed; nil when none is left.
        var partials: [MessageKey: StoreIndex.Partial?] = [:]
        var settled: Set<MessageKey> = []
        /// Messages of the index that go before anything else changes.
        var forgotten: Set<MessageKey> = []
        var bytes = 0
    }

    /// What is to be done for a part of a message.
    enum MessagePlan: Equatable {
        /// It was done before.
        case nothing
        /// Keep the part. Parts that describe the message otherwise go first.
        case keep(discarding: Set<UInt32>)
        /// All parts are there: these samples can be made of them, one after another.
        case complete([StoreIndex.Kept], discarding: Set<UInt32>)
    }

    /// A file counts the bytes of one sample in 32 bits.
    private static let sampleLimitBytes = Int(UInt32.max) - (1 << 20)

    let codec: PayloadCodec
    let capacityBytes: Int
    private let base: StoreIndex
    private(set) var changes = Changes()

    init(_ base: StoreIndex, codec: PayloadCodec, capacityBytes: Int) {
        self.base = base
        self.codec = codec
        self.capacityBytes = capacityBytes
    }

    func kept(_ id: UInt64) -> StoreIndex.Kept? {
        if let change = changes.samples[id] { return change }
        return base.samples[id].flatMap { changes.forgotten.contains($0.message) ? nil : $0 }
    }

    func partial(_ message: MessageKey) -> StoreIndex.Partial? {
        if let change = changes.partials[message] { return change }
        return changes.settled.contains(message) ? nil : base.partial(message)
    }

    private func isSettled(_ message: MessageKey) -> Bool {
        changes.settled.contains(message) || base.isSettled(message) && !changes.forgotten.contains(message)
    }

    /// Plans to forget a message.
    ///
    /// - Returns: what is kept of it: its samples, or its parts.
    mutating func forget(_ message: MessageKey) -> (samples: [UInt64], parts: Set<UInt32>) {
        let kept = base.samples.merging(changes.samples) { $1 }.values.filter {
            $0.message == message && self.kept($0.sample.id) != nil
        }
        let partial = partial(message)
        changes.bytes -= kept.reduce(0) { $0 + $1.bytes } + (partial?.bytes ?? 0)
        for kept in kept { changes.samples[kept.sample.id] = nil }
        changes.settled.remove(message)
        changes.partials[message] = .some(nil)
        changes.forgotten.insert(message)
        return (kept.map(\.sample.id), partial?.stored ?? [])
    }

    private var freeBytes: Int { capacityBytes - base.bytes - changes.bytes }

    /// - Throws: `StoreError.wrongSize`, `.duplicate` or `.full`.
    mutating func plan(
        _ part: MessagePart, samples: [StoredSample], payloadBytes: Int, payloadCodec: PayloadCodec
    ) throws(StoreError) -> MessagePlan {
        let message = part.message
        let columns = try checkSize(part, samples, payloadBytes: payloadBytes, payloadCodec: payloadCodec)
        try checkLargest(samples)
        if isSettled(message) { return .nothing }
        let old = partial(message)
        let isSame = old.map { $0.parts == part.parts && $0.samples == samples } ?? true
        var next = StoreIndex.Partial(parts: part.parts, samples: samples)
        if isSame, let old { next = old }
        guard next.stored.insert(part.part).inserted else { return .nothing }
        var seen: Set<UInt64> = []
        for sample in samples {
            guard seen.insert(sample.id).inserted, kept(sample.id) == nil else { throw .duplicate(sample: sample.id) }
        }

        let isComplete = next.stored.count == Int(part.parts)
        var neededBytes = codec.byteCount(of: payloadBytes, in: payloadCodec, columns: columns)
        next.bytes += neededBytes
        if isComplete { neededBytes += samples.reduce(0) { $0 + $1.targetBytes } }
        let discardedBytes = isSame ? 0 : old?.bytes ?? 0
        try checkRoom(neededBytes: neededBytes, freeBytes: freeBytes + discardedBytes)
        changes.bytes += neededBytes - discardedBytes
        guard isComplete else {
            changes.partials[message] = .some(next)
            return .keep(discarding: isSame ? [] : old?.stored ?? [])
        }
        changes.partials[message] = .some(nil)
        changes.settled.insert(message)
        let complete = samples.map { sample in
            StoreIndex.Kept(
                sample: sample, activationBytes: activationBytes(sample), message: message)
        }
        for kept in complete { changes.samples[kept.sample.id] = kept }
        return .complete(complete, discarding: old?.stored ?? [])
    }

    /// - Returns: the samples as they are kept afterwards, one for each that is given.
    /// - Throws: `StoreError.wrongSize`, `.duplicate` (named twice), `.missing` or `.full`.
    mutating func plan(
        replacing samples: [StoredSample], payloadBytes: Int, payloadCodec: PayloadCodec
    ) throws(StoreError) -> [StoreIndex.Kept] {
        let sum = size(of: samples, in: payloadCodec).bytes
        guard sum == payloadBytes else { throw .wrongSize(bytes: payloadBytes, expected: sum) }
        try checkLargest(samples)
        var result: [StoreIndex.Kept] = []
        var replacedBytes = 0, neededBytes = 0
        var seen: Set<UInt64> = []
        for sample in samples {
            guard seen.insert(sample.id).inserted else { throw .duplicate(sample: sample.id) }
            guard let old = kept(sample.id) else { throw .missing(sample: sample.id) }
            let new = StoreIndex.Kept(
                sample: sample, activationBytes: activationBytes(sample),
                message: old.message)
            replacedBytes += old.bytes
            neededBytes += new.bytes
            result.append(new)
        }
        try checkRoom(neededBytes: neededBytes, freeBytes: freeBytes + replacedBytes)
        changes.bytes += neededBytes - replacedBytes
        for kept in result { changes.samples[kept.sample.id] = kept }
        return result
    }

    private func checkRoom(neededBytes: Int, freeBytes: Int) throws(StoreError) {
        guard neededBytes <= freeBytes else { throw .full(neededBytes: neededBytes, freeBytes: max(0, freeBytes)) }
    }

    private func checkLargest(_ samples: [StoredSample]) throws(StoreError) {
        let largest = samples.map { activationBytes($0) }.max() ?? 0
        guard largest <= Self.sampleLimitBytes else {
            throw .full(neededBytes: largest, freeBytes: Self.sampleLimitBytes)
        }
    }

    private func activationBytes(_ sample: StoredSample) -> Int {
        codec.byteCount(rows: sample.rows, columns: sample.columns) ?? .max
    }

    /// - Returns: the samples' width.
    private func checkSize(
        _ part: MessagePart, _ samples: [StoredSample], payloadBytes: Int, payloadCodec: PayloadCodec
    ) throws(StoreError) -> Int {
        let (total, columns) = size(of: samples, in: payloadCodec)
        guard total < .max, let rows = part.rows(of: samples.reduce(0, { $0 + $1.rows })),
            payloadCodec.byteCount(rows: rows.count, columns: columns) == payloadBytes
        else { throw .wrongSize(bytes: payloadBytes, expected: total) }
        return columns
    }

    /// Bytes of all samples' rows, or `Int.max` when they are beyond that or not of one width; and that width.
    private func size(of samples: [StoredSample], in payloadCodec: PayloadCodec) -> (bytes: Int, columns: Int) {
        let columns = samples.first?.columns ?? 0
        let bytes = samples.reduce(0) { sum, sample in
            let size = payloadCodec.byteCount(rows: sample.rows, columns: sample.columns) ?? .max
            let (next, overflow) = sum.addingReportingOverflow(size)
            return overflow || sample.columns != columns ? .max : next
        }
        return (bytes, columns)
    }
}
