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

    private struct Table {
        var index = StoreIndex()
        var activations: [UInt64: AlignedBytes] = [:]
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

    /// Lends the bytes of a sample's activations, aligned to a cache line.
    public func withBytes<Result>(
        of id: UInt64, _ body: (StoredSample, UnsafeRawBufferPointer) -> Result
    ) throws(StoreError) -> Result {
        let found = table.withLock { table in
            table.index.samples[id].flatMap { kept in table.activations[id].map { (kept.sample, $0) } }
        }
        guard let (sample, activations) = found else { throw .missing(sample: id) }
        return withExtendedLifetime(activations) { body(sample, activations.bytes) }
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
            return try payload.withBytes { payload throws(StoreError) in
                try store(part, samples, payload, payloadCodec, in: &table)
            }
        case .replace(let samples, let payload, let payloadCodec):
            try withExtendedLifetime(payload.owner) { () throws(StoreError) in
                try replace(samples, payload.bytes, payloadCodec, in: &table)
            }
        case .deadLetter(let letter):
            table.deadLetters[MessageKey(device: letter.device, sequence: letter.sequence)] = letter
        case .forget(let device, let sequence):
            forget(MessageKey(device: device, sequence: sequence), in: &table)
        case .counted: break
        }
        return .done
    }

    private func store(
        _ part: MessagePart, _ samples: [StoredSample], _ payload: UnsafeRawBufferPointer, _ payloadCodec: PayloadCodec,
        in table: inout Table
    ) throws(StoreError) -> StoreOutcome {
        let (plan, changes) = try plan(in: table) { draft throws(StoreError) in
            try draft.plan(part, samples: samples, payloadBytes: payload.count, payloadCodec: payloadCodec)
        }
        table.index.merge(changes)
        let message = part.message
        switch plan {
        case .nothing: return .done
        case .keep(let discarded):
            for part in discarded { table.parts[message]?[part] = nil }
            table.parts[message, default: [:]][part.part] = AlignedBytes(
                payload, writtenIn: payloadCodec, keptIn: codec)
            return .done
        case .complete(let complete, _):
            var parts = (table.parts.removeValue(forKey: message) ?? [:]).filter { $0.key < part.parts }
            parts[part.part] = AlignedBytes(payload, writtenIn: payloadCodec, keptIn: codec)
            let pieces = parts.sorted { $0.key < $1.key }.map(\.value)
            put(complete, pieces, in: &table)
            return .complete
        }
    }

    private func replace(
        _ samples: [StoredSample], _ payload: UnsafeRawBufferPointer, _ payloadCodec: PayloadCodec,
        in table: inout Table
    ) throws(StoreError) {
        let (replaced, changes) = try plan(in: table) { draft throws(StoreError) in
            try draft.plan(replacing: samples, payloadBytes: payload.count, payloadCodec: payloadCodec)
        }
        table.index.merge(changes)
        put(replaced, [AlignedBytes(payload, writtenIn: payloadCodec, keptIn: codec)], in: &table)
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

    private func put(_ samples: [StoreIndex.Kept], _ pieces: [AlignedBytes], in table: inout Table) {
        withExtendedLifetime(pieces) {
            var start = 0
            for kept in samples {
                let range = start..<start + kept.activationBytes
                table.activations[kept.sample.id] = AlignedBytes(count: range.count) {
                    copyBytes(range, of: pieces.map(\.bytes), to: $0)
                }
                start = range.upperBound
            }
        }
    }
}
