import Synchronization
import Wire

/// An activation store in memory. It forgets everything with the process.
///
/// Writers take turns. The lock of the table is held for a moment only, never while a payload is copied; activations never
/// change once they are in it, so reading them needs no lock.
public final class MemoryActivationStore: ActivationStore {
    /// How the numbers are kept.
    public let codec: PayloadCodec
    /// Bytes of activations and targets that fit.
    public let capacityBytes: Int

    /// Roughly what a sample takes beside its activations: its place in the table, its targets, and its memory's edges.
    public static let entryBytes = 512

    private struct Table {
        var index = StoreIndex()
        var activations: [UInt64: HeldBytes] = [:]
        var parts: [MessageKey: [UInt32: HeldBytes]] = [:]
        var deadLetters: [MessageKey: DeadLetter] = [:]
    }

    private let table = Mutex(Table())
    /// Held by the one who writes.
    private let memory: Mutex<KeptMemory>

    /// An empty store.
    ///
    /// - Parameters:
    ///   - capacityBytes: bytes of activations and targets; the table of samples comes on top.
    ///   - codec: how the numbers are kept. f32 is exact, bf16 takes half the bytes.
    ///   - reservedBytes: as much memory is taken from the system at once; the rest when it is needed.
    public init(capacityBytes: Int, codec: PayloadCodec, reservedBytes: Int = 0) {
        self.capacityBytes = capacityBytes
        self.codec = codec
        memory = Mutex(KeptMemory(reservedBytes: reservedBytes))
    }

    /// Bytes of activations and targets that are kept.
    public var bytes: Int { table.withLock { $0.index.bytes } }

    /// Samples that are kept.
    public var count: Int { table.withLock { $0.index.samples.count } }

    /// Nothing has to reach a disk.
    public var isImmediate: Bool { true }

    /// Makes several changes, each in whole or not at all. They last until the process ends.
    public func apply(_ changes: [StoreChange]) throws(StoreError) -> [Result<StoreOutcome, StoreError>] {
        memory.withLock { memory in
            changes.map { change in Result { () throws(StoreError) in try make(change, in: &memory) } }
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

    private func make(_ change: StoreChange, in memory: inout KeptMemory) throws(StoreError) -> StoreOutcome {
        switch change {
        case .message(let part, let samples, let payload, let payloadCodec):
            return try payload.withBytes { bytes throws(StoreError) in
                try store(part, samples, HeldBytes(owner: payload, bytes: bytes), payloadCodec, in: &memory)
            }
        case .replace(let samples, let payload, let payloadCodec):
            try replace(samples, payload, payloadCodec, in: &memory)
        case .deadLetter(let letter):
            let key = MessageKey(device: letter.device, sequence: letter.sequence)
            table.withLock { $0.deadLetters[key] = letter }
        case .forget(let device, let sequence): forget(MessageKey(device: device, sequence: sequence))
        case .counted: break
        }
        return .done
    }

    private func store(
        _ part: MessagePart, _ samples: [StoredSample], _ payload: HeldBytes, _ payloadCodec: PayloadCodec,
        in memory: inout KeptMemory
    ) throws(StoreError) -> StoreOutcome {
        let (plan, changes) = try plan { draft throws(StoreError) in
            try draft.plan(part, samples: samples, payloadBytes: payload.bytes.count, payloadCodec: payloadCodec)
        }
        if case .nothing = plan { return .done }
        let message = part.message,
            kept = copy(payload, payloadCodec, columns: samples.first?.columns ?? 0, in: &memory)
        guard case .complete(let complete, _) = plan else {
            table.withLock { table in
                table.index.merge(changes)
                if case .keep(let discarded) = plan { for part in discarded { table.parts[message]?[part] = nil } }
                table.parts[message, default: [:]][part.part] = kept
            }
            return .done
        }
        let parts = table.withLock { $0.parts[message] ?? [:] }.filter { $0.key < part.parts }
        let whole = whole(parts.merging([part.part: kept]) { $1 }, in: &memory)
        table.withLock { table in
            table.index.merge(changes)
            table.parts[message] = nil
            put(complete, whole, in: &table)
        }
        return .complete
    }

    private func replace(
        _ samples: [StoredSample], _ payload: HeldBytes, _ payloadCodec: PayloadCodec, in memory: inout KeptMemory
    ) throws(StoreError) {
        let (replaced, changes) = try plan { draft throws(StoreError) in
            try draft.plan(replacing: samples, payloadBytes: payload.bytes.count, payloadCodec: payloadCodec)
        }
        // What frozen blocks made has memory of its own, and stays there if it can.
        let isAligned = UInt(bitPattern: payload.bytes.baseAddress) % UInt(codec.alignment) == 0
        let kept =
            payloadCodec == codec && isAligned
            ? payload : copy(payload, payloadCodec, columns: samples.first?.columns ?? 0, in: &memory)
        table.withLock { table in
            table.index.merge(changes)
            put(replaced, kept, in: &table)
        }
    }

    private func forget(_ message: MessageKey) {
        table.withLock { table in
            var draft = StoreDraft(table.index, codec: codec, capacityBytes: capacityBytes)
            for id in draft.forget(message).samples { table.activations[id] = nil }
            table.index.merge(draft.changes)
            table.parts[message] = nil
        }
    }

    /// Whoever writes plans alone, so that the plan still fits when the table is changed.
    private func plan<Plan>(
        _ body: (inout StoreDraft) throws(StoreError) -> Plan
    ) throws(StoreError) -> (Plan, StoreDraft.Changes) {
        var draft = StoreDraft(table.withLock { $0.index }, codec: codec, capacityBytes: capacityBytes)
        let plan = try body(&draft)
        return (plan, draft.changes)
    }

    /// Payload bytes in the store's memory. Then a frame's memory goes back to ZeroMQ, which receives the next one into
    /// it: fresh memory for every frame would cost it more than the copy.
    private func copy(
        _ payload: HeldBytes, _ payloadCodec: PayloadCodec, columns: Int, in memory: inout KeptMemory
    ) -> HeldBytes {
        memory.take(codec.byteCount(of: payload.bytes.count, in: payloadCodec, columns: columns)) {
            codec.write(payload.bytes, columns: columns, writtenIn: payloadCodec, to: $0)
        }
    }

    /// The bytes of all parts of a message.
    private func whole(_ parts: [UInt32: HeldBytes], in memory: inout KeptMemory) -> HeldBytes {
        let pieces = parts.sorted { $0.key < $1.key }.map(\.value)
        guard pieces.count > 1 else { return pieces[0] }
        let count = pieces.reduce(0) { $0 + $1.bytes.count }
        return withExtendedLifetime(pieces) {
            memory.take(count) { copyBytes(0..<count, of: pieces.map(\.bytes), to: $0) }
        }
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
