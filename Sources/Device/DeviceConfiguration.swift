import Diagnostics
import Queueing
import Wire

extension Device {
    /// Who a device is and what it may use.
    public typealias Configuration = DeviceConfiguration
}

/// Who a device is and what it may use.
public struct DeviceConfiguration: Sendable {
    /// The run's id.
    public var run: String
    /// The device's id, unique in the run.
    public var id: String
    /// Where the coordinator listens.
    public var coordinatorEndpoint: String
    /// How the device shows who it is. The worker is reached with the same keys, and with its own public key from the
    /// coordinator.
    public var security = SocketSecurity.none
    /// When a connection counts as lost, and how soon it is tried again.
    public var timing = ConnectionTiming.link
    /// The most samples of one message.
    public var publishBatch: Int
    /// How activations are written on the wire where the coordinator does not say.
    public var codec: PayloadCodec
    /// How payloads are compressed where the worker can expand them.
    public var compression = PayloadCompression.none
    /// The most payload bytes that are sent as one; a larger message goes in parts.
    public var partBytes = 4 << 20
    /// How often coordinator and worker hear of the device at least.
    public var heartbeatInterval: Duration
    /// How long the worker may be silent, or have a part without answering it, before that is sent again.
    public var acknowledgementTimeout = Duration.seconds(30)
    /// How often a part may be refused before the device gives up.
    public var maximumAttempts: UInt32 = 5
    /// Whether the device stays when everything is settled until it is told to stop, so that a worker that lost data can
    /// have it again.
    public var staysUntilStopped = false
    /// How long a device that can do nothing else waits for a word of the coordinator before it leaves; nil is for ever.
    public var patience: Duration?
    /// Memory that the device may use for the model, in bytes; 0 when it does not say.
    public var memoryBytes: UInt64 = 0
    /// The most bytes that the process has had resident; nil where the device is not all that is in it.
    public var peakMemoryBytes: (@Sendable () -> Int)?
    /// Where computations, messages and waits for credit are traced.
    public var tracer: Tracer?
    /// Beaten by the loop, for whoever looks whether it turns.
    public var pulse: LoopPulse?
    /// How fast the device computes.
    public var pace = DevicePace.machine
    /// Where the worker is reached from here, in place of the address that it gives; nil for that.
    public var workerEndpoint: String?

    /// The configuration of one device, with the usual time-outs.
    public init(
        run: String, id: String, coordinatorEndpoint: String, publishBatch: Int, codec: PayloadCodec,
        heartbeatInterval: Duration = .seconds(1)
    ) {
        self.heartbeatInterval = heartbeatInterval
        self.run = run
        self.id = id
        self.coordinatorEndpoint = coordinatorEndpoint
        self.publishBatch = publishBatch
        self.codec = codec
    }
}
