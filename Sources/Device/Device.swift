import Datasets
import Diagnostics
import Methods
import Queueing
import Tensors
import Wire

/// One device of a run: private examples, the first blocks of the model, and two sockets.
///
/// `run` is the thin loop around `DeviceMachine`: it receives, asks the machine what to do, and does it.
public final class Device: Sendable {
    /// Who the device is and what it may use.
    public struct Configuration: Sendable {
        /// The run's id.
        public var run: String
        /// The device's id, unique in the run.
        public var id: String
        /// Where the coordinator listens.
        public var coordinatorEndpoint: String
        /// Samples of one message.
        public var publishBatch: Int
        /// How activations are written on the wire.
        public var codec: PayloadCodec
        /// How long to wait for an acknowledgement before a message is sent again.
        public var acknowledgementTimeout = Duration.seconds(30)
        /// How often a message is sent before the device gives up.
        public var maximumAttempts: UInt32 = 5
        /// How often the coordinator hears of the device at least.
        public var heartbeatInterval: Duration

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

    private let configuration: Configuration
    private let context: ZeroMQContext
    private let examples: [EncodedExample]
    private let forward: FrozenForward
    private let pool: ComputePool

    /// - Parameters:
    ///   - examples: the device's shard. Of its texts only activations and targets leave the device: classes,
    ///     or the answers' tokens.
    ///   - pool: computes one group at a time.
    public init(
        _ configuration: Configuration, context: ZeroMQContext, examples: [EncodedExample], forward: FrozenForward,
        pool: ComputePool
    ) {
        self.configuration = configuration
        self.context = context
        self.examples = examples
        self.forward = forward
        self.pool = pool
    }

    /// Takes part in the run until everything is published or somebody says stop. Blocks the calling thread.
    ///
    /// - Throws: `PublishError`, `DeviceError` or `TransportError`; the coordinator was told if it could be.
    public func run() throws {
        let coordinator = try ControlLink(
            context: context, run: configuration.run, sender: configuration.id,
            endpoint: configuration.coordinatorEndpoint, heartbeatInterval: configuration.heartbeatInterval)
        try coordinator.reportingFailure {
            try DeviceLoop(
                configuration, context: context, examples: examples, forward: forward, pool: pool,
                coordinator: coordinator
            ).run()
        }
    }
}
