/// What a store knows without its activations: samples, messages, bytes. Pure, and the same in every store.
struct StoreIndex: Sendable {
    /// A sample and the message that brought it.
    struct Kept: Sendable, Equatable {
        let sample: StoredSample
        /// Bytes of its activations as they are kept.
        let activationBytes: Int
        let message: MessageKey

        var bytes: Int { activationBytes + sample.targetBytes }
    }

    /// A message of which parts are missing.
    struct Partial: Sendable, Equatable {
        let parts: UInt32
        let samples: [StoredSample]
        var stored: Set<UInt32> = []
        /// Bytes of the stored parts as they are kept.
        var bytes = 0
    }

    private(set) var samples: [UInt64: Kept] = [:]
    private(set) var settled: [UInt32: SequenceSet] = [:]
    private(set) var partials: [UInt32: [UInt64: Partial]] = [:]
    private(set) var bytes = 0

    func isSettled(_ message: MessageKey) -> Bool {
        settled[message.device]?.contains(message.sequence) ?? false
    }

    func partial(_ message: MessageKey) -> Partial? { partials[message.device]?[message.sequence] }

    mutating func keep(_ kept: Kept) {
        let old = samples.updateValue(kept, forKey: kept.sample.id)
        bytes += kept.bytes - (old?.bytes ?? 0)
    }

    /// A message is complete: nothing of it is partial any more.
    mutating func settle(_ message: MessageKey) {
        setPartial(nil, of: message)
        settled[message.device, default: SequenceSet()].insert(message.sequence)
    }

    private mutating func forget(_ message: MessageKey) {
        for kept in samples.values where kept.message == message {
            samples[kept.sample.id] = nil
            bytes -= kept.bytes
        }
        settled[message.device]?.remove(message.sequence)
        setPartial(nil, of: message)
    }

    mutating func setPartial(_ partial: Partial?, of message: MessageKey) {
        let old = self.partial(message)
        bytes += (partial?.bytes ?? 0) - (old?.bytes ?? 0)
        partials[message.device, default: [:]][message.sequence] = partial
    }

    /// Takes over what a draft changed.
    mutating func merge(_ changes: StoreDraft.Changes) {
        for message in changes.forgotten { forget(message) }
        for kept in changes.samples.values { keep(kept) }
        for (message, partial) in changes.partials { setPartial(partial, of: message) }
        for message in changes.settled { settle(message) }
    }
}

extension StoreIndex {
    func storedParts(of device: UInt32) -> [UInt64: (parts: UInt32, stored: Set<UInt32>)] {
        (partials[device] ?? [:]).mapValues { ($0.parts, $0.stored) }
    }

    var messagesInOrder: [StoredMessage] {
        Dictionary(grouping: samples.values, by: \.message).sorted { $0.key < $1.key }.map { key, samples in
            StoredMessage(
                device: key.device, sequence: key.sequence, samples: samples.map(\.sample).sorted { $0.id < $1.id })
        }
    }

    var samplesInOrder: [StoredSample] { samples.values.map(\.sample).sorted { $0.id < $1.id } }
}
