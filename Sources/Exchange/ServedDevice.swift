import Methods
import Queueing
import Wire

/// What the server of a method remembers of one device.
struct ServedDevice {
    let id: String
    var exchange: MethodExchange
    /// Of the device's newest greeting; 0 before the first.
    var session: UInt64 = 0
    /// Of the device's process; 0 before its first greeting.
    var life: UInt64 = 0
    /// Messages that the program has not handled yet, and their bytes.
    private(set) var waiting = (messages: 0, bytes: 0)
    /// Refusals since the device got on.
    var refusals = 0
    var hasLeft = false

    /// Whether it has introduced itself.
    var isHere: Bool { life != 0 }

    /// Whether another message may come to wait. One that may not comes again later.
    var hasRoom: Bool { waiting.messages < 16 && waiting.bytes < exchange.settings.limits.methodBytes }

    /// A message waits for the program.
    mutating func queued(_ message: ReceivedMethodMessage) {
        waiting = (waiting.messages + 1, waiting.bytes + message.payloadBytes)
    }

    /// A message has gone to the program.
    mutating func handled(_ message: ReceivedMethodMessage) {
        waiting = (waiting.messages - 1, waiting.bytes - message.payloadBytes)
    }
}

/// What a server of a method tells while it goes on.
public enum ProgramServerEvent: Sendable {
    /// All devices are there.
    case began
    /// A step or a round ended; totals are those so far.
    case completed(MethodProgress, ProgramTotals)
}

/// How the server of a method came to its end.
public struct ProgramServerOutcome: Sendable {
    /// Whether the program has finished; false when it was stopped.
    public let isCompleted: Bool
    /// What its side has done.
    public let totals: ProgramTotals
}
