import Datasets
import Queueing
import Wire

/// Which complete messages the store has, and what is in them.
struct MessageBook {
    /// A complete message.
    struct Message: Equatable {
        let sequence: UInt64
        /// In ascending order, whatever order they came in: samples that pass frozen blocks together do so in the same
        /// order before and after a restart, which decides the last bits of the result.
        let samples: [SampleReference]
        /// Blocks that the activations have passed.
        let cut: Int
        /// Bytes of the activations as they are kept.
        let bytes: Int

        init(sequence: UInt64, samples: [SampleReference], cut: Int, bytes: Int) {
            self.sequence = sequence
            self.samples = samples.sorted { ($0.device, $0.index) < ($1.device, $1.index) }
            self.cut = cut
            self.bytes = bytes
        }

        /// A message that a store kept from an earlier process.
        init(_ stored: StoredMessage, codec: PayloadCodec) {
            self.init(
                sequence: stored.sequence, samples: stored.samples.map { SampleReference(storeID: $0.id) },
                cut: stored.samples.map(\.cut).min() ?? 0,
                bytes: stored.samples.reduce(0) { $0 + $1.rows * codec.bytesPerRow(columns: $1.columns) })
        }
    }

    /// Totals of one device.
    struct Totals: Equatable {
        var messages = 0
        var samples = 0
        var bytes = 0
    }

    private var devices: [UInt32: [UInt64: Message]] = [:]
    private var totals: [UInt32: Totals] = [:]
    /// By the first sample of each message.
    private var sequences: [SampleReference: UInt64] = [:]

    /// Messages of all devices.
    var messageCount: Int { totals.values.reduce(0) { $0 + $1.messages } }

    /// All messages, by device and sequence.
    var messages: [Message] {
        devices.sorted { $0.key < $1.key }.flatMap { $0.value.values.sorted { $0.sequence < $1.sequence } }
    }

    func totals(of device: UInt32) -> Totals { totals[device] ?? Totals() }

    mutating func add(_ message: Message, of device: UInt32) {
        guard devices[device, default: [:]].updateValue(message, forKey: message.sequence) == nil else { return }
        if let first = message.samples.first { sequences[first] = message.sequence }
        totals[device, default: Totals()].messages += 1
        totals[device, default: Totals()].samples += message.samples.count
        totals[device, default: Totals()].bytes += message.bytes
    }

    /// The message whose first sample it is.
    func message(beginningWith sample: SampleReference) -> Message? {
        sequences[sample].flatMap { devices[UInt32(sample.device)]?[$0] }
    }

    /// Takes out the message that brought a sample. It is looked for: this is for the rare damage.
    mutating func remove(holding sample: SampleReference) -> Message? {
        let device = UInt32(sample.device)
        let message = devices[device]?.values.first { $0.samples.contains(sample) }
        return message.flatMap { remove($0.sequence, of: device) }
    }

    /// Takes out a message.
    mutating func remove(_ sequence: UInt64, of device: UInt32) -> Message? {
        guard let message = devices[device]?.removeValue(forKey: sequence) else { return nil }
        if let first = message.samples.first { sequences[first] = nil }
        totals[device, default: Totals()].messages -= 1
        totals[device, default: Totals()].samples -= message.samples.count
        totals[device, default: Totals()].bytes -= message.bytes
        return message
    }
}

extension SampleReference {
    /// The sample's id in the store: unique over all devices.
    var storeID: UInt64 { UInt64(device) << 32 | UInt64(index) }

    init(storeID: UInt64) { self.init(device: Int(storeID >> 32), index: Int(storeID & 0xFFFF_FFFF)) }
}
