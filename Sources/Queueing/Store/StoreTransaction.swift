import Foundation
import Wire

/// A group of changes on their way into the file. The draft says what each comes to; this writes it.
struct StoreTransaction {
    private let transaction: LMDBTransaction
    private(set) var draft: StoreDraft
    private let path: String
    private let now = Date().millisecondsSince1970

    init(_ transaction: LMDBTransaction, draft: StoreDraft, path: String) {
        self.transaction = transaction
        self.draft = draft
        self.path = path
    }

    /// Makes a change.
    ///
    /// - Returns: what is wrong with the change alone. The transaction is as it was before.
    /// - Throws: what ends the transaction.
    mutating func make(_ change: StoreChange) throws(LMDBFailure) -> Result<StoreOutcome, StoreError> {
        switch change {
        case .message(let part, let samples, let payload, let payloadCodec):
            return try payload.withBytes { payload throws(LMDBFailure) in
                try store(part, samples, payload, payloadCodec)
            }
        case .replace(let samples, let payload, let payloadCodec):
            return try withExtendedLifetime(payload.owner) { () throws(LMDBFailure) in
                try replace(samples, payload.bytes, payloadCodec)
            }
        case .deadLetter(let letter):
            let key = StoreTable.key(MessageKey(device: letter.device, sequence: letter.sequence))
            try transaction.put(.dead, key, letter.record.sealed(.dead, key))
        case .forget(let device, let sequence):
            try forget(MessageKey(device: device, sequence: sequence))
        case .counted(let device, let counters):
            let key = StoreTable.key(device: device)
            try transaction.put(.counters, key, counters.record.sealed(.counters, key))
        }
        return .success(.done)
    }

    private mutating func store(
        _ part: MessagePart, _ samples: [StoredSample], _ payload: UnsafeRawBufferPointer, _ payloadCodec: PayloadCodec
    ) throws(LMDBFailure) -> Result<StoreOutcome, StoreError> {
        let key = StoreTable.key(part.message)
        let oldParts = draft.partial(part.message)?.stored ?? []
        // Before anything is noted, so that damaged parts fail this change alone.
        if oldParts.count + 1 == Int(part.parts), let damage = try damage(of: part.message, oldParts) {
            return .failure(damage)
        }
        let plan: StoreDraft.MessagePlan
        do throws(StoreError) {
            plan = try draft.plan(part, samples: samples, payloadBytes: payload.count, payloadCodec: payloadCodec)
        } catch {
            return .failure(error)
        }
        switch plan {
        case .nothing: return .success(.done)
        case .keep(let discarded):
            try removeParts(discarded, of: part.message)
            if let partial = draft.partial(part.message), partial.stored.count == 1 {
                try put(MessageRecord(date: now, parts: part.parts, ids: samples.map(\.id), missing: samples), key)
            }
            try put(payload, payloadCodec, columns: samples.first?.columns ?? 0, as: part)
            return .success(.done)
        case .complete(let complete, let discarded):
            try assemble(complete, part, payload, payloadCodec)
            try removeParts(discarded, of: part.message)
            try put(MessageRecord(date: now, parts: part.parts, ids: samples.map(\.id), missing: nil), key)
            return .success(.complete)
        }
    }

    private mutating func replace(
        _ samples: [StoredSample], _ payload: UnsafeRawBufferPointer, _ payloadCodec: PayloadCodec
    ) throws(LMDBFailure) -> Result<StoreOutcome, StoreError> {
        let replaced: [StoreIndex.Kept]
        do throws(StoreError) {
            replaced = try draft.plan(replacing: samples, payloadBytes: payload.count, payloadCodec: payloadCodec)
        } catch {
            return .failure(error)
        }
        try put(replaced, of: payload, payloadCodec)
        return .success(.done)
    }

    /// Makes samples of all rows of a message, the last part of which is `payload`.
    private func assemble(
        _ samples: [StoreIndex.Kept], _ part: MessagePart, _ payload: UnsafeRawBufferPointer,
        _ payloadCodec: PayloadCodec
    ) throws(LMDBFailure) {
        guard part.parts > 1 else { return try put(samples, of: payload, payloadCodec) }
        let last = AlignedBytes(
            payload, columns: samples.first?.sample.columns ?? 0, writtenIn: payloadCodec, keptIn: draft.codec)
        try withExtendedLifetime(last) { () throws(LMDBFailure) in
            var start = 0
            for kept in samples {
                let range = start..<start + kept.activationBytes
                try put(kept) { target throws(LMDBFailure) in
                    // Looked up for each sample: a change of the file moves what was found before it.
                    let pieces = try (0..<part.parts).map { number throws(LMDBFailure) in
                        try number == part.part ? last.bytes : activations(of: part.message, number)
                    }
                    copyBytes(range, of: pieces, to: target)
                }
                start = range.upperBound
            }
        }
    }

    /// Writes samples whose activations lie one after another.
    private func put(
        _ samples: [StoreIndex.Kept], of payload: UnsafeRawBufferPointer, _ payloadCodec: PayloadCodec
    ) throws(LMDBFailure) {
        var start = 0
        for kept in samples {
            let columns = kept.sample.columns
            let count = payloadCodec.byteCount(of: kept.activationBytes, in: draft.codec, columns: columns)
            let source = UnsafeRawBufferPointer(rebasing: payload[start..<start + count])
            try put(kept) { target in draft.codec.write(source, columns: columns, writtenIn: payloadCodec, to: target) }
            start += count
        }
    }

    private func put(
        _ kept: StoreIndex.Kept, _ fill: (UnsafeMutableRawBufferPointer) throws(LMDBFailure) -> Void
    ) throws(LMDBFailure) {
        let key = StoreTable.key(sample: kept.sample.id)
        let target = try transaction.reserve(.samples, key, count: SampleRecord.byteCount(kept))
        try SampleRecord.write(kept, to: target, fill)
    }

    private func put(
        _ payload: UnsafeRawBufferPointer, _ payloadCodec: PayloadCodec, columns: Int, as part: MessagePart
    ) throws(LMDBFailure) {
        let key = StoreTable.key(part.message, part: part.part)
        let bytes = draft.codec.byteCount(of: payload.count, in: payloadCodec, columns: columns)
        let target = try transaction.reserve(.parts, key, count: PartRecord.headerBytes + bytes)
        PartRecord.write(key: key, to: target) {
            draft.codec.write(payload, columns: columns, writtenIn: payloadCodec, to: $0)
        }
    }

    private func put(_ record: MessageRecord, _ key: [UInt8]) throws(LMDBFailure) {
        try transaction.put(.messages, key, record.record.sealed(.messages, key))
    }

    private mutating func forget(_ message: MessageKey) throws(LMDBFailure) {
        let isKept = try transaction.get(.messages, StoreTable.key(message)) != nil
        let (samples, parts) = draft.forget(message)
        for id in samples { try transaction.remove(.samples, StoreTable.key(sample: id)) }
        try removeParts(parts, of: message)
        if isKept { try transaction.remove(.messages, StoreTable.key(message)) }
    }

    private func removeParts(_ parts: Set<UInt32>, of message: MessageKey) throws(LMDBFailure) {
        for part in parts { try transaction.remove(.parts, StoreTable.key(message, part: part)) }
    }

    private func activations(of message: MessageKey, _ part: UInt32) throws(LMDBFailure) -> UnsafeRawBufferPointer {
        try transaction.get(.parts, StoreTable.key(message, part: part)).flatMap(PartRecord.activations)
            ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private func damage(of message: MessageKey, _ parts: Set<UInt32>) throws(LMDBFailure) -> StoreError? {
        for part in parts.sorted() {
            let key = StoreTable.key(message, part: part)
            let value = try transaction.get(.parts, key)
            let isWhole = key.withUnsafeBytes { key in value.map { PartRecord.isWhole(key: key, $0) } ?? false }
            guard isWhole else {
                return .damaged(path: path, what: "part \(part) of \(message.words) is not what was written")
            }
        }
        return nil
    }
}

extension MessageKey {
    var words: String { "message \(sequence) of device \(device)" }

    func words(sample: UInt64) -> String { "sample \(sample & 0xFFFF_FFFF) of device \(device) (\(words))" }
}
