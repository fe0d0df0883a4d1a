import Wire

/// Reads what a file knows besides activations, and checks that its tables agree.
struct StoreLoader {
    let path: String
    let codec: PayloadCodec
    /// Whether the checksums of parts are compared, which reads all of them.
    let readsParts: Bool
    private var index = StoreIndex()
    /// Messages that samples name as theirs, to be found among the messages.
    private var sampleCounts: [MessageKey: Int] = [:]
    private var damage: String?

    private init(path: String, codec: PayloadCodec, readsParts: Bool) {
        self.path = path
        self.codec = codec
        self.readsParts = readsParts
    }

    /// - Throws: `StoreError.damaged`, `.unreadable`.
    static func load(
        _ environment: LMDBEnvironment, path: String, codec: PayloadCodec, readsParts: Bool = false
    ) throws(StoreError) -> StoreIndex {
        var loader = StoreLoader(path: path, codec: codec, readsParts: readsParts)
        do throws(LMDBFailure) {
            try environment.read { transaction throws(LMDBFailure) in try loader.load(transaction) }
        } catch {
            throw StoreError(error, path: path, neededBytes: 0)
        }
        if let damage = loader.damage { throw .damaged(path: path, what: damage) }
        return loader.index
    }

    private mutating func load(_ transaction: LMDBTransaction) throws(LMDBFailure) {
        try transaction.scan(.samples) { key, value in
            guard let id = StoreTable.number(key, at: 0, as: UInt64.self), key.count == 8,
                let record = SampleRecord(id: id, value, codec: codec)
            else { return note("what is known of a sample") }
            sampleCounts[record.message, default: 0] += 1
            index.keep(
                StoreIndex.Kept(
                    sample: record.sample, activationBytes: record.activations.count, message: record.message))
        }
        try transaction.scan(.messages) { key, value in
            guard let message = StoreTable.message(key), key.count == 12,
                let record = ByteReader(value, in: .messages, key: key).flatMap({ MessageRecord($0) })
            else { return note("what is known of a message") }
            take(record, of: message)
        }
        if let message = sampleCounts.keys.min() { note("\(message.words), of which samples are kept, is not there") }
        try transaction.scan(.parts) { key, value in
            guard let message = StoreTable.message(key), key.count == 16, value.count >= PartRecord.headerBytes,
                let part = StoreTable.number(key, at: 12, as: UInt32.self), var partial = index.partial(message),
                part < partial.parts, !readsParts || PartRecord.isWhole(key: key, value)
            else { return note("a part of a message") }
            partial.stored.insert(part)
            partial.bytes += value.count - PartRecord.headerBytes
            index.setPartial(partial, of: message)
        }
        for (device, partials) in index.partials {
            for (sequence, partial) in partials where partial.stored.isEmpty {
                note("\(MessageKey(device: device, sequence: sequence).words) has no parts")
            }
        }
        try checkOthers(transaction)
    }

    private mutating func take(_ record: MessageRecord, of message: MessageKey) {
        if let missing = record.missing {
            index.setPartial(StoreIndex.Partial(parts: record.parts, samples: missing), of: message)
            return
        }
        let count = sampleCounts.removeValue(forKey: message) ?? 0
        guard count == record.ids.count, record.ids.allSatisfy({ index.samples[$0]?.message == message }) else {
            return note("samples of \(message.words) are not there")
        }
        index.settle(message)
    }

    private mutating func checkOthers(_ transaction: LMDBTransaction) throws(LMDBFailure) {
        try transaction.scan(.dead) { key, value in
            guard let message = StoreTable.message(key), key.count == 12,
                ByteReader(value, in: .dead, key: key).flatMap({ DeadLetter($0, of: message) }) != nil
            else { return note("a dead letter") }
        }
        try transaction.scan(.counters) { key, value in
            guard key.count == 4, ByteReader(value, in: .counters, key: key).flatMap({ StoreCounters($0) }) != nil
            else { return note("a device's counters") }
        }
    }

    /// The first thing that is wrong is what the error names.
    private mutating func note(_ what: String) { damage = damage ?? what }
}
