extension Body {
    /// Who registers with the coordinator.
    public enum Role: UInt32, Sendable, CaseIterable {
        case device = 1
        case worker = 2
    }

    /// A device or worker asks to take part.
    public struct Register: Sendable, Equatable {
        /// A device or a worker.
        public var role: Role
        /// Samples a device holds; 0 for a worker.
        public var samples: UInt64
        /// Threads it computes with.
        public var threads: UInt32
        /// Where a worker waits for devices; empty for a device.
        public var endpoint: String
        /// The public key of that endpoint in Z85; empty without CURVE.
        public var endpointKey: String
        /// The step of a worker's newest checkpoint.
        public var step: UInt64
        /// Messages in a worker's store.
        public var messages: UInt64
        /// Memory a device may use for the model; 0 when it does not say.
        public var memoryBytes: UInt64
        /// Raw values of the payload codecs that a device can write; none when it does not say.
        public var codecs: [UInt32]
        /// The width of the rows that a device publishes; 0 when it does not say.
        public var columns: UInt32
        /// The minor version of the contract that it speaks.
        public var minor: UInt32

        /// A registration.
        public init(
            role: Role, samples: UInt64, threads: UInt32, endpoint: String = "", endpointKey: String = "",
            step: UInt64 = 0, messages: UInt64 = 0, memoryBytes: UInt64 = 0, codecs: [UInt32] = [], columns: UInt32 = 0,
            minor: UInt32 = Envelope.minorVersion
        ) {
            self.role = role
            self.samples = samples
            self.threads = threads
            self.endpoint = endpoint
            self.endpointKey = endpointKey
            self.step = step
            self.messages = messages
            self.memoryBytes = memoryBytes
            self.codecs = codecs
            self.columns = columns
            self.minor = minor
        }
    }

    /// How far a device has come. All numbers are totals since it started.
    public struct DeviceProgress: Sendable, Equatable {
        /// Samples whose acknowledgement has arrived.
        public var publishedSamples: UInt64
        /// Tokens of the published samples.
        public var tokens: UInt64
        /// Nanoseconds spent in the model.
        public var computeNanoseconds: UInt64
        /// Frame bytes that the device's data socket sent.
        public var bytesUp: UInt64
        /// Frame bytes that the device's data socket received.
        public var bytesDown: UInt64
        /// Whether everything is published and acknowledged.
        public var finished: Bool
        /// What the compute time was spent on: tokens times blocks, summed over all messages.
        public var blockTokens: UInt64 = 0
        /// Payload bytes acknowledged per second while some were on their way; 0 before the first.
        public var uplinkBytesPerSecond: Double = 0
        /// Between the device and its worker; 0 before the first heartbeat.
        public var roundTripSeconds: Double = 0
        /// Blocks that the device runs now.
        public var cut: UInt32 = 0
        /// The generation of the assignment that says so.
        public var generation: UInt64 = 0
        /// The most bytes that the device's process has had resident; 0 when it does not say.
        public var peakMemoryBytes: UInt64 = 0

        /// A device's totals.
        public init(
            publishedSamples: UInt64, tokens: UInt64, computeNanoseconds: UInt64, bytesUp: UInt64, bytesDown: UInt64,
            finished: Bool
        ) {
            self.publishedSamples = publishedSamples
            self.tokens = tokens
            self.computeNanoseconds = computeNanoseconds
            self.bytesUp = bytesUp
            self.bytesDown = bytesDown
            self.finished = finished
        }
    }

    /// One optimizer step of a worker.
    public struct StepReport: Sendable, Equatable {
        /// From 1.
        public var step: UInt64
        /// From 1.
        public var epoch: UInt32
        /// Mean cross-entropy of the step's samples, in nats.
        public var loss: Double
        /// Fraction of the step's samples that were predicted correctly.
        public var accuracy: Double
        /// The rate of this step, after warm-up and decay.
        public var learningRate: Double
        /// Tokens of the step.
        public var tokens: UInt64
        /// Samples of the step.
        public var samples: UInt64
        /// How long the step took.
        public var seconds: Double
        /// Samples in the store that no step has used yet.
        public var queueDepth: UInt64
        /// Frame bytes that the worker's data socket has received so far.
        public var bytesUp: UInt64
        /// The step's samples in their order: the device's number shifted left by 32 bits, plus the sample's id.
        public var sampleIDs: [UInt64] = []
        /// XXH64 of what trains after the step.
        public var adapterDigest: UInt64 = 0

        /// A step's results.
        public init(
            step: UInt64, epoch: UInt32, loss: Double, accuracy: Double, learningRate: Double, tokens: UInt64,
            samples: UInt64, seconds: Double, queueDepth: UInt64, bytesUp: UInt64
        ) {
            self.step = step
            self.epoch = epoch
            self.loss = loss
            self.accuracy = accuracy
            self.learningRate = learningRate
            self.tokens = tokens
            self.samples = samples
            self.seconds = seconds
            self.queueDepth = queueDepth
            self.bytesUp = bytesUp
        }
    }

    /// Totals of a worker that has trained to the end.
    public struct WorkerFinished: Sendable, Equatable {
        /// Optimizer steps of the run, also those that a resumed run had taken before.
        public var steps: UInt64
        /// The epoch of the last step, from 1; 0 when this worker took none.
        public var epochs: UInt32
        /// Tokens of this worker's steps.
        public var tokens: UInt64
        /// Samples of this worker's steps, repetitions counted.
        public var samples: UInt64
        /// Compute time: frozen blocks run for weaker devices, and steps.
        public var seconds: Double
        /// Frame bytes that the worker's data socket received.
        public var bytesUp: UInt64
        /// Frame bytes that the worker's data socket sent.
        public var bytesDown: UInt64
        /// Whether it ended early because it was drained.
        public var drained = false
        /// Median of F0 of a message; 0 when there was none.
        public var frozenForwardSeconds = 0.0

        /// A worker's totals.
        public init(
            steps: UInt64, epochs: UInt32, tokens: UInt64, samples: UInt64, seconds: Double, bytesUp: UInt64,
            bytesDown: UInt64
        ) {
            self.steps = steps
            self.epochs = epochs
            self.tokens = tokens
            self.samples = samples
            self.seconds = seconds
            self.bytesUp = bytesUp
            self.bytesDown = bytesDown
        }
    }

    /// A device or worker cannot go on.
    public struct Failure: Sendable, Equatable {
        /// The number its process ends with.
        public var exitCode: Int32
        /// What was wrong, and where.
        public var problem: String
        /// What to do next.
        public var remedy: String

        /// An error as its owner would print it.
        public init(exitCode: Int32, problem: String, remedy: String) {
            self.exitCode = exitCode
            self.problem = problem
            self.remedy = remedy
        }
    }
}
