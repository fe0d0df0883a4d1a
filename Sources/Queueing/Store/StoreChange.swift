import Wire

/// Where one part of a device's message belongs.
public struct MessagePart: Sendable, Hashable {
    /// The device's number in the run's plan.
    public var device: UInt32
    /// The message's number, from 1.
    public var sequence: UInt64
    /// Which part of the message, from 0.
    public var part: UInt32
    /// Parts of the message, at least 1.
    public var parts: UInt32

    /// A part of a message; by default the whole of it.
    public init(device: UInt32, sequence: UInt64, part: UInt32 = 0, parts: UInt32 = 1) {
        self.device = device
        self.sequence = sequence
        self.part = part
        self.parts = parts
    }

    /// The rows of the message that this part holds; nil when there is no such part, or none of its rows.
    public func rows(of rows: Int) -> Range<Int>? {
        rows > 0 ? Body.rows(ofPart: part, of: parts, rows: rows) : nil
    }

    var message: MessageKey { MessageKey(device: device, sequence: sequence) }
}

/// A message, whatever its parts.
struct MessageKey: Hashable, Comparable {
    let device: UInt32
    let sequence: UInt64

    static func < (a: Self, b: Self) -> Bool { (a.device, a.sequence) < (b.device, b.sequence) }
}

/// Bytes and who owns them.
///
/// Unchecked, because the bytes must not move or change as long as this exists.
public struct HeldBytes: @unchecked Sendable {
    /// Lives as long as this does.
    public let owner: any AnyObject & Sendable
    /// The owner's bytes.
    public let bytes: UnsafeRawBufferPointer

    /// Shows an owner's bytes.
    public init(owner: any AnyObject & Sendable, bytes: UnsafeRawBufferPointer) {
        self.owner = owner
        self.bytes = bytes
    }
}

/// How often a device's messages came again, in all.
public struct StoreCounters: Sendable, Hashable {
    /// Messages with an attempt beyond the first.
    public var redelivered: UInt64
    /// Messages that were already stored.
    public var duplicates: UInt64

    /// Totals since the run began.
    public init(redelivered: UInt64 = 0, duplicates: UInt64 = 0) {
        self.redelivered = redelivered
        self.duplicates = duplicates
    }
}

/// A change of the store. Payloads are held, not copied, until the change is made.
public enum StoreChange: Sendable {
    /// One part of a message that passed its checks: `samples` are the whole message's, `payload` is this part's rows,
    /// one after another, in `codec`. A part that is already stored changes nothing.
    ///
    /// All parts of a message must describe it alike. A part that describes it otherwise (a restarted device with
    /// another cut or another size of parts) takes the place of the parts stored so far.
    case message(MessagePart, samples: [StoredSample], payload: Frame, codec: PayloadCodec)
    /// Other activations in the place of those kept for some samples: what the missing frozen blocks made of them.
    case replace([StoredSample], payload: HeldBytes, codec: PayloadCodec)
    /// A message that was given up.
    case deadLetter(DeadLetter)
    /// A message that is damaged, or whatever there is of it: it is as if it had never come, and may come again.
    case forget(device: UInt32, sequence: UInt64)
    /// What a device's counters stand at.
    case counted(device: UInt32, StoreCounters)
}

/// What a change that succeeded came to.
public enum StoreOutcome: Sendable {
    /// The change is made, or was made before.
    case done
    /// The change brought the last part: all samples of the message are there now. A message is completed once.
    case complete
}
