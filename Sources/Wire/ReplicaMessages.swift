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

        /// A micro-batch's place.
        public init(number: UInt32, firstSequence: UInt32) {
            self.number = number
            self.firstSequence = firstSequence
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

        /// An order for a part of a step.
        public init(step: UInt64, sums: UInt32, microBatches: [OrderedMicroBatch], lossScale: Float, digest: UInt64) {
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
            /// One of the step's sums of gradients.
            case sum = 3
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
