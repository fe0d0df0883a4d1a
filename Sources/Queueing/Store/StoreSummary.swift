import Foundation

/// What a store's file holds of one device.
public struct StoreSummary: Sendable, Equatable {
    /// The device's number in the run's plan.
    public let device: UInt32
    /// Messages that are complete.
    public fileprivate(set) var messages = 0
    /// Messages of which parts are missing: no acknowledgement has brought them to an end.
    public fileprivate(set) var unacknowledged = 0
    /// Samples that are kept.
    public fileprivate(set) var samples = 0
    /// Bytes of activations and targets, those of incomplete messages too.
    public fileprivate(set) var bytes = 0
    /// The least number of a complete message.
    public fileprivate(set) var firstSequence: UInt64?
    /// The greatest number of a complete message.
    public fileprivate(set) var lastSequence: UInt64?
    /// When the oldest of the messages came.
    public fileprivate(set) var oldest: Date?
    /// How often messages came again.
    public fileprivate(set) var counters = StoreCounters()
    /// Messages that were given up.
    public fileprivate(set) var dead = 0
}

extension LMDBActivationStore {
    /// What the file holds, by device, in the order of their numbers.
    ///
    /// - Throws: `StoreError.unreadable`.
    public func summaries() throws(StoreError) -> [StoreSummary] {
        var summaries: [UInt32: StoreSummary] = [:]
        let index = self.index.withLock { $0 }
        for kept in index.samples.values {
            summaries.of(kept.message.device) {
                $0.samples += 1
                $0.bytes += kept.bytes
            }
        }
        for (device, settled) in index.settled where !settled.isEmpty {
            summaries.of(device) {
                $0.messages = settled.count
                $0.firstSequence = settled.ranges.first?.lowerBound
                $0.lastSequence = settled.ranges.last?.upperBound
            }
        }
        for (device, partials) in index.partials where !partials.isEmpty {
            summaries.of(device) {
                $0.unacknowledged = partials.count
                $0.bytes += partials.values.reduce(0) { $0 + $1.bytes }
            }
        }
        do throws(LMDBFailure) {
            try environment.read { transaction throws(LMDBFailure) in
                try transaction.scan(.messages) { key, value in
                    guard let message = StoreTable.message(key),
                        let record = ByteReader(value, in: .messages, key: key).flatMap({ MessageRecord($0) })
                    else { return }
                    let date = Date(millisecondsSince1970: record.date)
                    summaries.of(message.device) { $0.oldest = min($0.oldest ?? date, date) }
                }
            }
        } catch {
            throw StoreError(error, path: file, neededBytes: 0)
        }
        for (device, counters) in counters() { summaries.of(device) { $0.counters = counters } }
        for letter in deadLetters() { summaries.of(letter.device) { $0.dead += 1 } }
        return summaries.values.sorted { $0.device < $1.device }
    }

    /// How often devices' messages came again, by device, as they were counted last.
    public func counters() -> [UInt32: StoreCounters] {
        var result: [UInt32: StoreCounters] = [:]
        each(.counters) { key, reader in
            guard let device = StoreTable.number(key, at: 0, as: UInt32.self), let counters = StoreCounters(reader)
            else { return }
            result[device] = counters
        }
        return result
    }

    /// All messages that were given up, in the order of device and sequence.
    public func deadLetters() -> [DeadLetter] {
        var result: [DeadLetter] = []
        each(.dead) { key, reader in
            if let message = StoreTable.message(key), let letter = DeadLetter(reader, of: message) {
                result.append(letter)
            }
        }
        return result
    }

    /// The samples of a complete message in their order; empty when there is none.
    public func samples(device: UInt32, sequence: UInt64) -> [StoredSample] {
        let message = MessageKey(device: device, sequence: sequence)
        return index.withLock { index in
            index.samples.values.filter { $0.message == message }.map(\.sample).sorted { $0.id < $1.id }
        }
    }

    /// Every whole record of a table. Opening has seen them all: one that is not whole any more is left out.
    private func each(_ table: StoreTable, _ body: (UnsafeRawBufferPointer, ByteReader) -> Void) {
        try? environment.read { transaction throws(LMDBFailure) in
            try transaction.scan(table) { key, value in
                if let reader = ByteReader(value, in: table, key: key) { body(key, reader) }
            }
        }
    }
}

extension [UInt32: StoreSummary] {
    fileprivate mutating func of(_ device: UInt32, _ change: (inout StoreSummary) -> Void) {
        change(&self[device, default: StoreSummary(device: device)])
    }
}
