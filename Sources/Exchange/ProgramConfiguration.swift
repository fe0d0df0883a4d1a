import Diagnostics
import Methods
import Queueing
import Wire

/// Who a device with a method's program is, and how it reaches the server.
public struct ProgramDeviceConfiguration: Sendable {
    /// The run's id.
    public var run: String
    /// The device's id, unique in the run.
    public var id: String
    /// Where the server listens.
    public var endpoint: String
    /// How the device shows who it is.
    public var security = SocketSecurity.none
    /// When a connection counts as lost, and how soon it is tried again.
    public var timing = ConnectionTiming.link
    /// Between signs of life.
    public var heartbeatInterval = Duration.seconds(1)
    /// How long the server may be silent; nil is for ever.
    public var patience: Duration?
    /// How long the device waits for the server's word that the run has ended, once the coordinator has given it.
    public var linger = Duration.seconds(5)
    /// How long the program's work takes that took so many seconds: longer than it took *simulates* a weaker device.
    public var pace: @Sendable (_ work: [MethodWork], _ seconds: Double) -> Double = { $1 }
    /// How messages go.
    public var exchange = MethodExchange.Settings()
    /// Where the device is traced.
    public var tracer: Tracer?

    /// A device with the usual times.
    public init(run: String, id: String, endpoint: String) {
        self.run = run
        self.id = id
        self.endpoint = endpoint
    }
}

/// Whom the server of a method serves, and where.
public struct ProgramServerConfiguration: Sendable {
    /// The run's id.
    public var run: String
    /// The server's id, unique in the run.
    public var id: String
    /// The devices' ids, in the order of their numbers.
    public var devices: [String]
    /// Where it listens; port `*` takes a free one.
    public var endpoint: String
    /// How it keeps strangers out.
    public var security = SocketSecurity.none
    /// How long a device may be silent, also before it has come.
    public var silenceLimit = Duration.seconds(60)
    /// How long the server waits for devices to leave when the run is over.
    public var linger = Duration.seconds(10)
    /// How messages go.
    public var exchange = MethodExchange.Settings()
    /// Where the server is traced.
    public var tracer: Tracer?

    /// A server with the usual times.
    public init(run: String, id: String, devices: [String], endpoint: String) {
        self.run = run
        self.id = id
        self.devices = devices
        self.endpoint = endpoint
    }
}
