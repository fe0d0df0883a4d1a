import Wire

extension LMDBActivationStore {
    /// Bytes of activations and targets that are kept.
    public var bytes: Int { index.withLock { $0.bytes } }

    /// Samples that are kept.
    public var count: Int { index.withLock { $0.samples.count } }

    /// What is known of a sample, or nil when it is not kept.
    public func sample(_ id: UInt64) -> StoredSample? { index.withLock { $0.samples[id]?.sample } }

    /// All complete messages, in the order of device and sequence.
    public func messages() -> [StoredMessage] { index.withLock { $0.messagesInOrder } }

    /// The messages of a device that are complete.
    public func settledSequences(of device: UInt32) -> SequenceSet {
        index.withLock { $0.settled[device] ?? SequenceSet() }
    }

    /// The messages of a device that are not complete, and which of their parts are kept.
    public func storedParts(of device: UInt32) -> [UInt64: (parts: UInt32, stored: Set<UInt32>)] {
        index.withLock { $0.storedParts(of: device) }
    }

    /// All samples, in the order of their ids.
    public func samples() -> [StoredSample] { index.withLock { $0.samplesInOrder } }

    /// Lends the bytes of a sample's activations out of the file's map, aligned to 16 bytes. Small ones, which LMDB
    /// packs into a page with others, are copied for that.
    public func withBytes<Result>(
        of id: UInt64, _ body: (StoredSample, UnsafeRawBufferPointer) -> Result
    ) throws(StoreError) -> Result {
        guard let kept = index.withLock({ $0.samples[id] }) else { throw .missing(sample: id) }
        let result: Result?
        do throws(LMDBFailure) {
            result = try environment.read { transaction throws(LMDBFailure) in
                guard let value = try transaction.get(.samples, StoreTable.key(sample: id)),
                    let record = SampleRecord(id: id, value, codec: codec), record.isWhole
                else { return nil }
                if UInt(bitPattern: record.activations.baseAddress) % 16 == 0 {
                    return body(record.sample, record.activations)
                }
                let copy = AlignedBytes(
                    record.activations, columns: record.sample.columns, writtenIn: codec, keptIn: codec)
                return withExtendedLifetime(copy) { body(record.sample, copy.bytes) }
            }
        } catch {
            throw StoreError(error, path: file, neededBytes: 0)
        }
        environment.touched(kept.bytes)
        guard let result else {
            throw .damaged(path: file, what: kept.message.words(sample: id) + " is not what was written")
        }
        return result
    }

    /// Compares every checksum of the file.
    ///
    /// - Throws: `StoreError.damaged`, `.unreadable`.
    public func verify() throws(StoreError) {
        for sample in samples() { try withBytes(of: sample.id) { _, _ in } }
        _ = try StoreLoader.load(environment, path: file, codec: codec, readsParts: true)
    }
}
