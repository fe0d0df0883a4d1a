import Foundation

extension LMDBActivationStore {
    /// Makes several changes in one transaction. When the disk has no room for all of them, each is tried by itself.
    public func apply(_ changes: [StoreChange]) throws(StoreError) -> [Result<StoreOutcome, StoreError>] {
        try writing.withLock { failure throws(StoreError) in
            if let failure { throw failure }
            do throws(StoreError) {
                do throws(LMDBFailure) {
                    return try commit(changes)
                } catch  where isFullDisk(error, changes) {
                    return try changes.map { change throws(StoreError) in try commitAlone(change) }
                } catch {
                    throw StoreError(error, path: file, neededBytes: 0)
                }
            } catch {
                // Nobody knows what reached the disk. What was promised is there; no more is promised.
                failure = error
                throw error
            }
        }
    }

    private func commitAlone(_ change: StoreChange) throws(StoreError) -> Result<StoreOutcome, StoreError> {
        do throws(LMDBFailure) {
            return try commit([change])[0]
        } catch  where isFullDisk(error, [change]) {
            return .failure(.diskFull(path: file, neededBytes: change.payloadBytes, reason: error.reason))
        } catch {
            throw StoreError(error, path: file, neededBytes: 0)
        }
    }

    /// Whether a transaction failed for want of room, so that another may succeed. A write that stopped half-way is an
    /// input/output error to LMDB, whatever stopped it: then the disk is asked.
    private func isFullDisk(_ failure: LMDBFailure, _ changes: [StoreChange]) -> Bool {
        failure.isFull
            || failure.code == EIO && !hasRoom(bytes: changes.reduce(1 << 20) { $0 + $1.payloadBytes })
    }

    private func hasRoom(bytes: Int) -> Bool {
        let path = "\(folder)/room"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return errno != ENOSPC && errno != EDQUOT }
        unlink(path)
        defer { close(descriptor) }
        let status = posix_fallocate(descriptor, 0, off_t(bytes))
        return status != ENOSPC && status != EDQUOT
    }

    private func commit(_ changes: [StoreChange]) throws(LMDBFailure) -> [Result<StoreOutcome, StoreError>] {
        let (results, drafted) = try environment.write { transaction throws(LMDBFailure) in
            let base = index.withLock { $0 }
            var drafting = StoreTransaction(
                transaction, draft: StoreDraft(base, codec: codec, capacityBytes: capacityBytes), path: file)
            let results = try changes.map { change throws(LMDBFailure) in try drafting.make(change) }
            return (results, drafting.draft.changes)
        }
        index.withLock { $0.merge(drafted) }
        environment.touched(changes.reduce(0) { $0 + $1.payloadBytes })
        return results
    }

    /// Forgets everything of one device, or of all. Its messages are asked for again.
    ///
    /// - Throws: `StoreError.diskFull`, `.unreadable`.
    public func purge(device: UInt32? = nil) throws(StoreError) {
        let prefix = device.map(StoreTable.key(device:)) ?? []
        try change { transaction throws(LMDBFailure) in
            for table in StoreTable.ofDevices { try transaction.removeAll(table, prefix: prefix) }
        }
        let loaded = try StoreLoader.load(environment, path: file, codec: codec)
        index.withLock { $0 = loaded }
    }

    /// Forgets that a message was given up, so that its device may try again.
    ///
    /// - Returns: whether there was such a message.
    /// - Throws: `StoreError.diskFull`, `.unreadable`.
    public func forgetDeadLetter(device: UInt32, sequence: UInt64) throws(StoreError) -> Bool {
        let key = StoreTable.key(MessageKey(device: device, sequence: sequence))
        return try change { transaction throws(LMDBFailure) in
            let isThere = try transaction.get(.dead, key) != nil
            if isThere { try transaction.remove(.dead, key) }
            return isThere
        }
    }

    private func change<Outcome: Sendable>(
        _ body: (LMDBTransaction) throws(LMDBFailure) -> Outcome
    ) throws(StoreError) -> Outcome {
        try writing.withLock { failure throws(StoreError) in
            if let failure { throw failure }
            do throws(LMDBFailure) {
                return try environment.write(body)
            } catch {
                throw StoreError(error, path: file, neededBytes: 0)
            }
        }
    }
}
