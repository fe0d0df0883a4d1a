import Methods

/// What a run has done so far.
struct RunTotals {
    /// As long as a run's id usually is: every frame names its run and its sender.
    static let run = "compare-20260101-120000"
    static let server = "worker-1"

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
    private let devices: [String]
    /// Messages so far, by device.
    private var sent: [Int]
    private var received: [Int]

    /// - Parameter devices: their ids.
    init(devices: [String]) {
        self.devices = devices
        bytesUp = devices.map { _ in 0 }
        (bytesDown, sent, received) = (bytesUp, bytesUp, bytesUp)
        rounds = devices.map { _ in (0, 0) }
        begun = devices.map { _ in 0 }
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

    /// Counts a message, and gives its bytes: those of all its frames, as a socket would count them.
    mutating func record(_ message: MethodMessage, device: Int, isUp: Bool) -> Int {
        if isUp { sent[device] += 1 } else { received[device] += 1 }
        let bytes = message.wireBytes(
            run: Self.run, sender: isUp ? devices[device] : Self.server,
            number: UInt64(isUp ? sent[device] : received[device]))
        let payload = message.payloadBytes, direction = isUp ? "up" : "down"
        if payload > 0 { bytesByKind["\(direction) \(message.kind.rawValue)", default: 0] += payload }
        bytesByKind["\(direction) envelopes", default: 0] += bytes - payload
        if isUp { bytesUp[device] += bytes } else { bytesDown[device] += bytes }
        return bytes
    }
}
