extension Body {
    /// A device introduces itself to its worker.
    public struct Hello: Sendable, Equatable {
        /// How many samples the device will publish.
        public var samples: UInt64

        /// A greeting with the number of samples to come.
        public init(samples: UInt64) { self.samples = samples }
    }

    /// The header of activations, as stated by the sender. Its payload frame is a row-major tensor [rows, columns].
    public struct Activations: Sendable, Equatable {
        /// 1 for a device's first message; the same again when it is sent again.
        public var sequence: UInt64
        /// One entry per sample, as in `lengths` and `targetLengths`.
        public var sampleIDs: [UInt64]
        /// Tokens of each sample.
        public var lengths: [UInt32]
        /// How many targets each sample has, which its last tokens predict.
        public var targetLengths: [UInt32]
        /// All samples' targets, one sample after another.
        public var targets: [UInt32]
        /// Blocks that the device has run.
        public var cut: UInt32
        /// The raw value of a `PayloadCodec`.
        public var codec: UInt32
        /// Tokens of all samples.
        public var rows: UInt32
        /// The width of the model.
        public var columns: UInt32
        /// `payloadChecksum` of the payload frame.
        public var checksum: UInt64

        /// A header that states these values; nothing is checked.
        public init(
            sequence: UInt64, sampleIDs: [UInt64], lengths: [UInt32], targetLengths: [UInt32], targets: [UInt32],
            cut: UInt32, codec: UInt32, rows: UInt32, columns: UInt32, checksum: UInt64
        ) {
            self.sequence = sequence
            self.sampleIDs = sampleIDs
            self.lengths = lengths
            self.targetLengths = targetLengths
            self.targets = targets
            self.cut = cut
            self.codec = codec
            self.rows = rows
            self.columns = columns
            self.checksum = checksum
        }
    }

    /// A device has published everything, and all of it was acknowledged.
    public struct Finished: Sendable, Equatable {
        /// Messages, each counted once.
        public var messages: UInt64
        /// Samples in them.
        public var samples: UInt64

        /// The device's totals.
        public init(messages: UInt64, samples: UInt64) {
            self.messages = messages
            self.samples = samples
        }
    }

    /// Payload bytes that are added to a device's budget.
    public struct Credit: Sendable, Equatable {
        /// Bytes of payload frames.
        public var bytes: UInt64

        /// A grant.
        public init(bytes: UInt64) { self.bytes = bytes }
    }

    /// Every sample of a message is stored.
    public struct Ack: Sendable, Equatable {
        /// The message.
        public var sequence: UInt64
        /// Payload bytes that come back to the budget with the first acknowledgement of the sequence.
        public var creditBytes: UInt64

        /// An acknowledgement that returns credit.
        public init(sequence: UInt64, creditBytes: UInt64) {
            self.sequence = sequence
            self.creditBytes = creditBytes
        }
    }

    /// A message was refused.
    public struct Reject: Sendable, Equatable {
        /// The refused message, 0 when its header could not be read.
        public var sequence: UInt64
        /// A protocol error number, see `WireError.number`.
        public var number: UInt32
        /// The problem and its remedy.
        public var text: String

        /// A refusal in the words of the other side.
        public init(sequence: UInt64, number: UInt32, text: String) {
            self.sequence = sequence
            self.number = number
            self.text = text
        }

        /// The answer to a message that failed a check.
        public init(sequence: UInt64, error: WireError) {
            self.init(sequence: sequence, number: error.number, text: error.description)
        }
    }

    /// Publish no more, and leave.
    public struct Stop: Sendable, Equatable {
        /// Why, in a sentence.
        public var reason: String

        /// A request to stop.
        public init(reason: String) { self.reason = reason }
    }
}
