import Datasets
import Diagnostics
import Foundation
import Queueing

extension Worker {
    /// Who the worker is and what the run asks of it.
    public struct Configuration: Sendable {
        /// The run's id.
        public var run: String
        /// The worker's id, unique in the run.
        public var id: String
        /// Where the coordinator listens.
        public var coordinatorEndpoint: String
        /// What the line to the coordinator needs. With CURVE, the line to a worker that takes over has the same key
        /// pair.
        public var coordinatorSecurity = SocketSecurity.none
        /// When a connection to the coordinator, or to a worker that takes over, counts as lost, and how soon it is
        /// tried again.
        public var timing = ConnectionTiming.link
        /// Where the worker waits for devices.
        public var deviceEndpoint: String
        /// What devices need to get in. With CURVE the plan's keys are enrolled in its domain.
        public var deviceSecurity = SocketSecurity.none
        /// What others are told to connect to, when that is not what was bound, as with `tcp://*:7001`.
        public var advertisedEndpoint: String?
        /// How often every sample is trained.
        public var epochs: Int
        /// Samples of one optimizer step.
        public var batch: Int
        /// How the samples of a step are chosen.
        public var order = TrainingOrder.deterministic
        /// Samples computed together.
        public var microBatch: Int
        /// Blocks below the adapters.
        public var frozenBlocks: Int
        /// Targets are below it: the number of classes, or the size of the vocabulary.
        public var targetLimit: Int
        /// The longest sample, in tokens.
        public var maximumTokens: Int
        /// Bytes a device may have on their way.
        public var creditBytesPerDevice: Int
        /// Bytes that all devices together may have on their way.
        public var ingestBytes = 256 << 20
        /// How often the coordinator hears of the worker at least.
        public var heartbeatInterval: Duration
        /// When the coordinator was not heard for longer, the worker registers again.
        public var silenceLimit = Duration.seconds(10)
        /// How long a worker that can do nothing else waits for a word of the coordinator before it leaves; nil is for
        /// ever.
        public var patience: Duration?
        /// Whether the worker stays until it is told to stop: right where the coordinator may be away when training
        /// ends. Otherwise it leaves with its last step.
        public var staysUntilStopped = false
        /// Whether a message that finds no room ends the worker, once nothing else is under way. Otherwise devices
        /// wait.
        public var endsWhenFull = true
        /// Beaten by the loop, for whoever looks whether it turns.
        public var pulse: LoopPulse?
        /// Where messages and F0 are traced.
        public var tracer: Tracer?
        /// Where the files of another worker's checkpoint are put together, on the file system of the checkpoints.
        public var handoverFolder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "permafrost-handover-\(UUID().uuidString)")

        /// The configuration of one worker, as in a process with all other roles.
        public init(
            run: String, id: String, coordinatorEndpoint: String, deviceEndpoint: String, epochs: Int, batch: Int,
            microBatch: Int, frozenBlocks: Int, targetLimit: Int, maximumTokens: Int, creditBytesPerDevice: Int,
            heartbeatInterval: Duration = .seconds(1)
        ) {
            self.heartbeatInterval = heartbeatInterval
            self.run = run
            self.id = id
            self.coordinatorEndpoint = coordinatorEndpoint
            self.deviceEndpoint = deviceEndpoint
            self.epochs = epochs
            self.batch = batch
            self.microBatch = microBatch
            self.frozenBlocks = frozenBlocks
            self.targetLimit = targetLimit
            self.maximumTokens = maximumTokens
            self.creditBytesPerDevice = creditBytesPerDevice
        }
    }
}
