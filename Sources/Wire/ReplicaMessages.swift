extension Body {
    /// Another worker of the run.
    public struct WorkerPeer: Sendable, Equatable {
        /// Its id.
        public var worker: String
        /// Where it waits.
        public var endpoint: String
        /// Its public key in Z85; empty without CURVE.
        public var key: String

        /// A worker and where it is.
        public init(worker: String, endpoint: String, key: String = "") {
            self.worker = worker
            self.endpoint = endpoint
            self.key = key
        }
    }

    /// A micro-batch of a step that another worker computes.
    public struct OrderedMicroBatch: Sendable, Equatable {
        /// Its place in the step, from 0.
        public var number: UInt32
        /// Samples of the step before it.
        public var firstSequence: UInt32
        /// For a stage, which sees no `Activations`: tokens of each sample.
        public var lengths: [UInt32]
        /// Targets of each sample.
        public var targetLengths: [UInt32]
        /// Of all samples, one after another.
        public var targets: [UInt32]

        /// A micro-batch's place.
        public init(
            number: UInt32, firstSequence: UInt32, lengths: [UInt32] = [], targetLengths: [UInt32] = [],
            targets: [UInt32] = []
        ) {
            self.number = number
            self.firstSequence = firstSequence
            self.lengths = lengths
            self.targetLengths = targetLengths
            self.targets = targets
        }
    }

    /// What one stage of a pipeline does in a step.
    public struct StageShare: Sendable, Equatable {
        /// Which one; whoever gives the order is stage 0.
        public var stage: UInt32
        /// How many there are.
        public var stages: UInt32
        /// Its first block, from 0.
        public var firstBlock: UInt32
        /// The block after its last one.
        public var endBlock: UInt32
        /// Of the step, or the part of it.
        public var microBatches: UInt32
        /// Whether B and W of a micro-batch are one pass.
        public var fusesBackward: Bool
        /// The stage's list, as schedules are written.
        public var operations: String
        /// Whether the sums of gradients are sent apart, and not added up.
        public var keepsSums: Bool

        /// A stage's share.
        public init(
            stage: UInt32, stages: UInt32, firstBlock: UInt32, endBlock: UInt32, microBatches: UInt32,
            fusesBackward: Bool, operations: String, keepsSums: Bool = false
        ) {
            self.keepsSums = keepsSums
            self.stage = stage
            self.stages = stages
            self.firstBlock = firstBlock
            self.endBlock = endBlock
            self.microBatches = microBatches
            self.fusesBackward = fusesBackward
            self.operations = operations
        }
    }

    /// A replica is to compute the gradients of some micro-batches, whose samples follow as `Activations`.
    public struct StepOrder: Sendable, Equatable {
        /// From 1.
        public var step: UInt64
        /// Sums of gradients in the whole step.
        public var sums: UInt32
        /// In ascending order.
        public var microBatches: [OrderedMicroBatch]
        /// What the loss of a target counts in the gradient.
        public var lossScale: Float
        /// XXH64 of what trains before the step.
        public var digest: UInt64
        /// Set where the replica is a later stage of a pipeline: all micro-batches follow one by one.
        public var stage: StageShare?

        /// An order for a part of a step.
        public init(
            step: UInt64, sums: UInt32, microBatches: [OrderedMicroBatch], lossScale: Float, digest: UInt64,
            stage: StageShare? = nil
        ) {
            self.stage = stage
            self.step = step
            self.sums = sums
            self.microBatches = microBatches
            self.lossScale = lossScale
            self.digest = digest
        }
    }

    /// What a replica's micro-batches came to; the sums of their gradients have gone before as pieces.
    public struct StepPart: Sendable, Equatable {
        /// From 1.
        public var step: UInt64
        /// Of each micro-batch, the losses of its targets together, in nats.
        public var lossSums: [Double]
        /// Of each micro-batch, how many targets were predicted correctly.
        public var correct: [UInt64]
        /// How long it took.
        public var seconds: Double

        /// Losses of a part of a step.
        public init(step: UInt64, lossSums: [Double], correct: [UInt64], seconds: Double) {
            self.step = step
            self.lossSums = lossSums
            self.correct = correct
            self.seconds = seconds
        }
    }

    /// A piece of a tensor between workers.
    public struct TensorPiece: Sendable, Equatable {
        /// Which tensor.
        public enum Kind: UInt32, Sendable, CaseIterable {
            /// What trains (index 0), and what the optimizer remembers (1 and up).
            case state = 1
            /// The gradient of a whole step.
            case gradient = 2
            /// One of the step's sums of gradients, or the gradient of a stage's blocks.
            case sum = 3
            /// Activations of a micro-batch, from a stage to the next one.
            case stream = 4
            /// The gradient of a micro-batch's activations, from a stage to the one before.
            case streamGradient = 5
        }

        /// Which tensor.
        public var kind: Kind
        /// The step that it belongs to; of the state, the step after which it is.
        public var step: UInt64
        /// Which of its kind.
        public var index: UInt32
        /// Numbers before the piece.
        public var offset: UInt64
        /// Numbers in the whole tensor.
        public var count: UInt64
        /// `payloadChecksum` of the payload frame.
        public var checksum: UInt64

        /// A piece's place in its tensor.
        public init(kind: Kind, step: UInt64, index: UInt32, offset: UInt64, count: UInt64, checksum: UInt64) {
            self.kind = kind
            self.step = step
            self.index = index
            self.offset = offset
            self.count = count
            self.checksum = checksum
        }
    }
}
