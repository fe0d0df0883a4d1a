import Synchronization
import Wire

/// An activation store in memory. It forgets everything with the process.
///
/// The lock guards the table alone: activations never change once they are in it, so reading them needs no lock.
public final class MemoryActivationStore: ActivationStore {
    /// How the numbers are kept.
    public let codec: PayloadCodec
    /// Bytes of activations and targets that fit.
    public let capacityBytes: Int

    /// Roughly what a sample takes beside its activations: its place in the table, its targets, and its memory's edges.
    public static let entryBytes = 512

    /// A payload of so many bytes is kept where it was received. A smaller one may lie in a buffer with others, all of
    /// which it would keep.
    static let ownMemoryBytes = 64 << 10

    private struct Table {
        var index = StoreIndex()
        var activations: [UInt64: HeldBytes] = [:]
        var parts: [MessageKey: [UInt32: AlignedBytes]] = [:]
        var deadLetters: [MessageKey: DeadLetter] = [:]
    }

    private let table = Mutex(Table())

    /// An empty store.
    ///
    /// - Parameters:
    ///   - capacityBytes: bytes of activations and targets; the table of samples comes on top.
    ///   - codec: how the numbers are kept. f32 is exact, bf16 takes half the bytes.
    public init(capacityBytes: Int, codec: PayloadCodec) {
        self.capacityBytes = capacityBytes
        self.codec = codec
    }

    /// Bytes of activations and targets that are kept.
    public var bytes: Int { table.withLock { $0.index.bytes } }

    /// Samples that are kept.
    public var count: Int { table.withLock { $0.index.samples.count } }

    /// Makes several changes, each in whole or not at all. They last until the process ends.
    public func apply(_ changes: [StoreChange]) throws(StoreError) -> [Result<StoreOutcome, StoreError>] {
        table.withLock { table in
            changes.map { change in Result { () throws(StoreError) in try make(change, in: &table) } }
        }
    }

    /// What is known of a sample, or nil when it is not kept.
    public func sample(_ id: UInt64) -> StoredSample? { table.withLock { $0.index.samples[id]?.sample } }

    /// Lends the bytes of a sample's activations, aligned for the codec.
    public func withBytes<Result>(
        of id: UInt64, _ body: (StoredSample, UnsafeRawBufferPointer) -> Result
    ) throws(StoreError) -> Result {
        let found = table.withLock { table in
            table.index.samples[id].flatMap { kept in table.activations[id].map { (kept.sample, $0) } }
        }
        guard let (sample, activations) = found else { throw .missing(sample: id) }
        return withExtendedLifetime(activations.owner) { body(sample, activations.bytes) }
    }

    /// The messages of a device that are complete.
    public func settledSequences(of device: UInt32) -> SequenceSet {
        table.withLock { $0.index.settled[device] ?? SequenceSet() }
    }

    /// The messages of a device that are not complete, and which of their parts are kept.
    public func storedParts(of device: UInt32) -> [UInt64: (parts: UInt32, stored: Set<UInt32>)] {
        table.withLock { $0.index.storedParts(of: device) }
    }

    /// All samples, in the order of their ids.
    public func samples() -> [StoredSample] { table.withLock { $0.index.samplesInOrder } }

    /// All complete messages, in the order of device and sequence.
    public func messages() -> [StoredMessage] { table.withLock { $0.index.messagesInOrder } }

    /// Counters are asked for in a store's file alone: none are kept here.
    public func counters() -> [UInt32: StoreCounters] { [:] }

    /// All messages that were given up, in the order of device and sequence.
    public func deadLetters() -> [DeadLetter] {
        table.withLock { $0.deadLetters.sorted { $0.key < $1.key }.map(\.value) }
    }

    private func make(_ change: StoreChange, in table: inout Table) throws(StoreError) -> StoreOutcome {
        switch change {
        case .message(let part, let samples, let payload, let payloadCodec):
            return try payload.withBytes { bytes throws(StoreError) in
                try store(part, samples, HeldBytes(owner: payload, bytes: bytes), payloadCodec, in: &table)
            }
        case .replace(let samples, let payload, let payloadCodec):
            try replace(samples, payload, payloadCodec, in: &table)
        case .deadLetter(let letter):
            table.deadLetters[MessageKey(device: letter.device, sequence: letter.sequence)] = letter
        case .forget(let device, let sequence):
            forget(MessageKey(device: device, sequence: sequence), in: &table)
        case .counted: break
        }
        return .done
    }

    private func store(
        _ part: MessagePart, _ samples: [StoredSample], _ payload: HeldBytes, _ payloadCodec: PayloadCodec,
        in table: inout Table
    ) throws(StoreError) -> StoreOutcome {
        let (plan, changes) = try plan(in: table) { draft throws(StoreError) in
            try draft.plan(part, samples: samples, payloadBytes: payload.bytes.count, payloadCodec: payloadCodec)
        }
        table.index.merge(changes)
        let message = part.message
        switch plan {
        case .nothing: return .done
        case .keep(let discarded):
            for part in discarded { table.parts[message]?[part] = nil }
            table.parts[message, default: [:]][part.part] = AlignedBytes(
                payload.bytes, writtenIn: payloadCodec, keptIn: codec)
            return .done
        case .complete(let complete, _):
            let parts = (table.parts.removeValue(forKey: message) ?? [:]).filter { $0.key < part.parts }
            let bytes =
                parts.isEmpty ? kept(payload, payloadCodec) : whole(parts, part.part, payload, payloadCodec)
            put(complete, bytes, in: &table)
            return .complete
        }
    }

    private func replace(
        _ samples: [StoredSample], _ payload: HeldBytes, _ payloadCodec: PayloadCodec, in table: inout Table
    ) throws(StoreError) {
        let (replaced, changes) = try plan(in: table) { draft throws(StoreError) in
            try draft.plan(replacing: samples, payloadBytes: payload.bytes.count, payloadCodec: payloadCodec)
        }
        table.index.merge(changes)
        put(replaced, kept(payload, payloadCodec), in: &table)
    }

    private func forget(_ message: MessageKey, in table: inout Table) {
        var draft = StoreDraft(table.index, codec: codec, capacityBytes: capacityBytes)
        for id in draft.forget(message).samples { table.activations[id] = nil }
        table.index.merge(draft.changes)
        table.parts[message] = nil
    }

    private func plan<Plan>(
        in table: Table, _ body: (inout StoreDraft) throws(StoreError) -> Plan
    ) throws(StoreError) -> (Plan, StoreDraft.Changes) {
        var draft = StoreDraft(table.index, codec: codec, capacityBytes: capacityBytes)
        let plan = try body(&draft)
        return (plan, draft.changes)
    }

    /// Payload bytes as they are kept: where they lie, or copied.
    private func kept(_ payload: HeldBytes, _ payloadCodec: PayloadCodec) -> HeldBytes {
        if payloadCodec == codec, payload.bytes.count >= Self.ownMemoryBytes,
            UInt(bitPattern: payload.bytes.baseAddress) % UInt(codec.bytesPerValue) == 0
        {
            return payload
        }
        let copy = withExtendedLifetime(payload.owner) {
            AlignedBytes(payload.bytes, writtenIn: payloadCodec, keptIn: codec)
        }
        return HeldBytes(owner: copy, bytes: copy.bytes)
    }

    /// The bytes of all parts of a message, of which one has just come.
    private func whole(
        _ parts: [UInt32: AlignedBytes], _ number: UInt32, _ payload: HeldBytes, _ payloadCodec: PayloadCodec
    ) -> HeldBytes {
        var parts = parts
        parts[number] = AlignedBytes(payload.bytes, writtenIn: payloadCodec, keptIn: codec)
        let pieces = parts.sorted { $0.key < $1.key }.map(\.value)
        let bytes = pieces.reduce(0) { $0 + $1.bytes.count }
        let whole = withExtendedLifetime(pieces) {
            AlignedBytes(count: bytes) { copyBytes(0..<bytes, of: pieces.map(\.bytes), to: $0) }
        }
        return HeldBytes(owner: whole, bytes: whole.bytes)
    }

    /// Keeps samples whose activations lie one after another.
    private func put(_ samples: [StoreIndex.Kept], _ whole: HeldBytes, in table: inout Table) {
        var start = 0
        for kept in samples {
            let bytes = UnsafeRawBufferPointer(rebasing: whole.bytes[start..<start + kept.activationBytes])
            table.activations[kept.sample.id] = HeldBytes(owner: whole.owner, bytes: bytes)
            start += kept.activationBytes
        }
    }
}
