/// The tables of a store's file. Keys begin with the device's number, big-endian, so that they lie in the order of
/// devices and a device's entries lie together.
enum StoreTable: String, CaseIterable {
    /// device << 32 | index → `SampleRecord`.
    case samples
    /// device, sequence → `MessageRecord`.
    case messages
    /// device, sequence, part → `PartRecord`: the parts of messages that are not complete.
    case parts
    /// device, sequence → `DeadLetter`.
    case dead
    /// device → `StoreCounters`.
    case counters
    /// `MetaKey` → what the file is.
    case meta

    /// Keys of the table `meta`.
    enum MetaKey: String {
        /// `StoreIdentity`.
        case identity
        /// The number of the transaction that wrote the file last. A flipped bit that makes LMDB take the state before
        /// for the newest one is found by it.
        case commit

        var bytes: [UInt8] { Array(rawValue.utf8) }
    }

    /// Only these tables hold what belongs to a device.
    static let ofDevices: [StoreTable] = [.samples, .messages, .parts, .dead, .counters]

    static func key(sample: UInt64) -> [UInt8] { bigEndian(sample) }

    static func key(_ message: MessageKey) -> [UInt8] { bigEndian(message.device) + bigEndian(message.sequence) }

    static func key(_ message: MessageKey, part: UInt32) -> [UInt8] { key(message) + bigEndian(part) }

    static func key(device: UInt32) -> [UInt8] { bigEndian(device) }

    /// The message that a key begins with, or nil when it is too short.
    static func message(_ key: UnsafeRawBufferPointer) -> MessageKey? {
        guard let device = number(key, at: 0, as: UInt32.self), let sequence = number(key, at: 4, as: UInt64.self)
        else { return nil }
        return MessageKey(device: device, sequence: sequence)
    }

    /// A big-endian number in a key, or nil when the key ends before.
    static func number<Number: FixedWidthInteger>(
        _ key: UnsafeRawBufferPointer, at offset: Int, as type: Number.Type
    ) -> Number? {
        guard key.count >= offset + MemoryLayout<Number>.size else { return nil }
        return Number(bigEndian: key.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
