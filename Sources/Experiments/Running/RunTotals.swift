import Methods

/// What a run has done so far.
struct RunTotals {
    /// Steps or rounds.
    var steps = 0
    /// Tokens, times the passes that count as one.
    var passes = 0
    var serverFLOPs = 0.0
    private(set) var bytesUp: [Int]
    private(set) var bytesDown: [Int]
    private(set) var bytesByKind: [String: Int] = [:]

    init(devices: Int) {
        bytesUp = Array(repeating: 0, count: devices)
        bytesDown = bytesUp
    }

    /// Counts a message, and gives its bytes.
    mutating func record(_ message: MethodMessage, device: Int, isUp: Bool) -> Int {
        let payload = message.payloadBytes, envelope = MessageSize.envelope(message)
        let direction = isUp ? "up" : "down"
        if payload > 0 { bytesByKind["\(direction) \(message.kind.rawValue)", default: 0] += payload }
        bytesByKind["\(direction) envelopes", default: 0] += envelope
        if isUp { bytesUp[device] += payload + envelope } else { bytesDown[device] += payload + envelope }
        return payload + envelope
    }
}
