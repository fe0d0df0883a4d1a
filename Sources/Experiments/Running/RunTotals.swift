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
    /// *Simulated* seconds of each device from having a round's adapters to having sent its update: their sum, and how many.
    private(set) var rounds: [(seconds: Double, count: Int)]
    private var begun: [Double]

    init(devices: Int) {
        bytesUp = Array(repeating: 0, count: devices)
        bytesDown = bytesUp
        rounds = bytesUp.map { _ in (0, 0) }
        begun = bytesUp.map { _ in 0 }
    }

    /// A device has the adapters of a round.
    mutating func beginRound(_ device: Int, at now: Double) { begun[device] = now }

    /// A device's update of a round is at the server.
    ///
    /// - Returns: its seconds.
    mutating func endRound(_ device: Int, at now: Double) -> Double {
        let seconds = now - begun[device]
        rounds[device] = (rounds[device].seconds + seconds, rounds[device].count + 1)
        return seconds
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
