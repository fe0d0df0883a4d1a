import Diagnostics

extension Body {
    /// How one device's messages stand at the worker.
    public struct DeviceQueue: Sendable, Equatable {
        /// The device's id.
        public var device: String
        /// Samples stored.
        public var samples: UInt64
        /// Messages stored.
        public var messages: UInt64
        /// Payload bytes stored.
        public var bytes: UInt64
        /// Payload bytes received and not yet stored.
        public var pendingBytes: UInt64
        /// Payload bytes that may still be sent.
        public var creditBytes: UInt64
        /// Messages that were there already.
        public var duplicates: UInt64
        /// Messages that came with an attempt above 1.
        public var redelivered: UInt64
        /// Messages that were given up.
        public var dead: UInt64

        /// The figures of one device.
        public init(
            device: String, samples: UInt64, messages: UInt64, bytes: UInt64, pendingBytes: UInt64,
            creditBytes: UInt64, duplicates: UInt64, redelivered: UInt64, dead: UInt64
        ) {
            self.device = device
            self.samples = samples
            self.messages = messages
            self.bytes = bytes
            self.pendingBytes = pendingBytes
            self.creditBytes = creditBytes
            self.duplicates = duplicates
            self.redelivered = redelivered
            self.dead = dead
        }
    }

    /// How often a worker has refused something for one reason.
    public struct Refused: Sendable, Equatable {
        /// The reason's name.
        public var reason: String
        /// How often, since the worker was started.
        public var count: UInt64
        /// Whoever was refused last, where that is sure; otherwise empty.
        public var last: String

        /// Refusals for one reason.
        public init(reason: String, count: UInt64, last: String = "") {
            self.reason = reason
            self.count = count
            self.last = last
        }
    }

    /// What a worker's queue and its compute look like now.
    public struct QueueReport: Sendable, Equatable {
        /// At most `mostDevices`; several reports tell of more.
        public var devices: [DeviceQueue]
        /// Bytes of the store that are used.
        public var storeBytes: UInt64
        /// Bytes that the store may have.
        public var storeCapacity: UInt64
        /// Whether there is no room, so that credits have stopped.
        public var isFull: Bool
        /// Seconds in which frozen blocks were run for weaker devices so far.
        public var advanceSeconds: Double
        /// What they were spent on: tokens times blocks.
        public var advanceBlockTokens: UInt64
        /// Seconds of all steps so far.
        public var stepSeconds: Double
        /// Tokens of all steps so far.
        public var stepTokens: UInt64
        /// What its listening socket has refused so far.
        public var refusals: [Refused]
        /// Median of F0 of a message; 0 when there was none.
        public var frozenForwardSeconds = 0.0
        /// What the stages have done; nil before the first step, and without stages.
        public var pipeline: PipelineSummary?
        /// Who computed how much of the steps since it was started; empty before it had a replica.
        public var shares: [WorkerShare] = []
        /// Messages that the store has.
        public var queuedMessages: UInt64 = 0
        /// For how long the oldest sample has waited that no step of the epoch has used; 0 when none waits.
        public var oldestAgeSeconds = 0.0
        /// Bytes that its listening socket has received so far.
        public var bytesReceived: UInt64 = 0
        /// Bytes that its listening socket has sent so far.
        public var bytesSent: UInt64 = 0
        /// Payload bytes of activations among those received.
        public var codecBytes: [CodecBytes] = []
        /// What the stages did in the newest whole step; nil before it, and without stages.
        public var newestStep: StepOperations?

        /// Devices of one report.
        public static let mostDevices = 1024

        /// The figures of a worker.
        public init(
            devices: [DeviceQueue], storeBytes: UInt64, storeCapacity: UInt64, isFull: Bool, advanceSeconds: Double,
            advanceBlockTokens: UInt64, stepSeconds: Double, stepTokens: UInt64, refusals: [Refused] = []
        ) {
            self.devices = devices
            self.storeBytes = storeBytes
            self.storeCapacity = storeCapacity
            self.isFull = isFull
            self.advanceSeconds = advanceSeconds
            self.advanceBlockTokens = advanceBlockTokens
            self.stepSeconds = stepSeconds
            self.stepTokens = stepTokens
            self.refusals = refusals
        }
    }

    /// How many payload bytes came in a codec.
    public struct CodecBytes: Sendable, Equatable {
        /// How their numbers are written.
        public var codec: PayloadCodec
        /// As they came.
        public var bytes: UInt64

        /// Bytes in a codec.
        public init(codec: PayloadCodec, bytes: UInt64) {
            self.codec = codec
            self.bytes = bytes
        }
    }

    /// A worker's share of steps that several take together.
    public struct WorkerShare: Sendable, Equatable {
        /// Its id.
        public var worker: String
        /// That it computed.
        public var microBatches: UInt64

        /// What a worker computed.
        public init(worker: String, microBatches: UInt64) {
            self.worker = worker
            self.microBatches = microBatches
        }
    }

    /// A worker has everything that another one had.
    public struct HandedOver: Sendable, Equatable {
        /// The step of the checkpoint it got, 0 for none.
        public var step: UInt64
        /// Messages it has now.
        public var messages: UInt64

        /// What was handed over.
        public init(step: UInt64, messages: UInt64) {
            self.step = step
            self.messages = messages
        }
    }
}
