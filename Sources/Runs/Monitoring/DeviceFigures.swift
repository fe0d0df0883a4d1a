import Ledger

/// How one device's publishing stands.
public struct DeviceFigures: Encodable, Sendable, Equatable {
    /// The device's id.
    public let device: String
    /// What it is doing.
    public let state: DeviceRecord.State
    /// Blocks that it computes.
    public let cut: Int
    /// Payload bytes that it may still send.
    public let creditBytes: Int
    /// Payload bytes that were received and are not stored yet.
    public let pendingBytes: Int
    /// Messages that a worker has stored.
    public let messages: Int
    /// Their payload bytes.
    public let bytes: Int
    /// Samples that are still to come.
    public let lag: Int
    /// Messages that came again because their acknowledgement was late or lost.
    public let redelivered: Int
    /// Messages that came again after they had been stored.
    public let duplicates: Int
    /// Messages that were given up.
    public let dead: Int
    /// From a heartbeat to its answer.
    public let roundTripSeconds: Double?
    /// When it was last heard of, in seconds since 1970.
    public let lastSeen: Double

    /// All devices of a run, by number.
    public static func rows(_ state: RunState) -> [DeviceFigures] {
        let cursors = Dictionary(state.cursors.map { ($0.device, $0) }) { $1 }
        return state.devices.map { DeviceFigures($0, cursors[$0.id] ?? CursorRecord(run: $0.run, device: $0.id)) }
    }

    private init(_ device: DeviceRecord, _ cursor: CursorRecord) {
        self.device = device.id
        state = device.state
        cut = device.cut
        creditBytes = cursor.creditBytes
        pendingBytes = cursor.pendingBytes
        messages = cursor.settledMessages
        bytes = cursor.settledBytes
        lag = max(0, device.samples - cursor.settledSamples)
        redelivered = cursor.redelivered
        duplicates = cursor.duplicates
        dead = cursor.dead
        roundTripSeconds = cursor.roundTripSeconds
        lastSeen = max(device.time, cursor.lastSeen)
    }
}
