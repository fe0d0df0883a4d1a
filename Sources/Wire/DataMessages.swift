extension Body {
    /// A device introduces itself to its worker.
    public struct Hello: Sendable, Equatable {
        /// How many samples the device will publish.
        public var samples: UInt64

        /// A greeting with the number of samples to come.
        public init(samples: UInt64) { self.samples = samples }
    }

    /// The answer to a greeting: a fresh account of credit, and what need not be sent any more.
    public struct Welcome: Sendable, Equatable {
        /// Bytes of payload frames that the device may send.
        public var creditBytes: UInt64
        /// Sequences that are stored as a whole, in ascending order.
        public var settled: [ClosedRange<UInt64>]
        /// Raw values of the compressions that the worker can expand.
        public var compressions: [UInt32]

        /// A welcome with credit.
        public init(creditBytes: UInt64, settled: [ClosedRange<UInt64>], compressions: [UInt32] = []) {
            self.creditBytes = creditBytes
            self.settled = settled
            self.compressions = compressions
        }
    }

    /// The header of activations, as stated by the sender. Its payload frame is a row-major tensor [rows, columns], or
    /// those rows of it that its part has.
    public struct Activations: Sendable, Equatable {
        /// Which of the device's messages this is, from 1; the same again when it is sent again.
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
        /// `payloadChecksum` of the payload, before it is compressed.
        public var checksum: UInt64
        /// Which part of the message this is, from 0.
        public var part: UInt32
        /// How many parts there are; 0 means 1.
        public var parts: UInt32
        /// The number of the device on whose behalf a worker sends, plus 1; 0 from a device.
        public var origin: UInt32
        /// The raw value of the `PayloadCompression` of the payload frame, of which `checksum` says nothing.
        public var compression: UInt32 = 0

        /// A header that states these values; nothing is checked.
        public init(
            sequence: UInt64, sampleIDs: [UInt64], lengths: [UInt32], targetLengths: [UInt32], targets: [UInt32],
            cut: UInt32, codec: UInt32, rows: UInt32, columns: UInt32, checksum: UInt64, part: UInt32 = 0,
            parts: UInt32 = 0, origin: UInt32 = 0
        ) {
            self.part = part
            self.parts = parts
            self.origin = origin
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

    /// Where a part of a message lies in the whole.
    ///
    /// - Parameters:
    ///   - rows: of the whole message.
    ///   - parts: how many there are, at least 1.
    /// - Returns: the rows of one part; nil when there is no such part, or when one of all would be empty.
    public static func rows(ofPart part: UInt32, of parts: UInt32, rows: Int) -> Range<Int>? {
        guard parts >= 1, part < parts, rows >= 0, UInt64(parts) <= UInt64(max(1, rows)) else { return nil }
        guard rows > 0 else { return 0..<0 }
        let most = (rows - 1) / Int(parts) + 1
        let (last, overflow) = (Int(parts) - 1).multipliedReportingOverflow(by: most)
        guard !overflow, last < rows else { return nil }
        let first = Int(part) * most
        return first..<first + min(most, rows - first)
    }

    /// A piece of a file of the run's newest checkpoint, which a worker hands over.
    public struct HandoverFile: Sendable, Equatable {
        /// From 1.
        public var sequence: UInt64
        /// The step of the checkpoint.
        public var step: UInt64
        /// The file's name in the checkpoint's folder.
        public var name: String
        /// Where in the file the piece begins.
        public var offset: UInt64
        /// How long the whole file is.
        public var bytes: UInt64
        /// `payloadChecksum` of the payload frame.
        public var checksum: UInt64

        /// A piece of a file.
        public init(sequence: UInt64, step: UInt64, name: String, offset: UInt64, bytes: UInt64, checksum: UInt64) {
            self.sequence = sequence
            self.step = step
            self.name = name
            self.offset = offset
            self.bytes = bytes
            self.checksum = checksum
        }
    }

    /// A device has published everything, and all of it was acknowledged; or a worker has handed everything over.
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

    /// A message, or a part of one, is stored.
    public struct Ack: Sendable, Equatable {
        /// The message.
        public var sequence: UInt64
        /// Payload bytes that come back to the budget with the first acknowledgement of the part.
        public var creditBytes: UInt64
        /// The part of the message, from 0.
        public var part: UInt32
        /// As in the message.
        public var origin: UInt32

        /// An acknowledgement that returns credit.
        public init(sequence: UInt64, creditBytes: UInt64, part: UInt32 = 0, origin: UInt32 = 0) {
            self.sequence = sequence
            self.creditBytes = creditBytes
            self.part = part
            self.origin = origin
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
        /// The part of the message, from 0.
        public var part: UInt32
        /// As in the message.
        public var origin: UInt32

        /// A refusal in the words of the other side.
        public init(sequence: UInt64, number: UInt32, text: String, part: UInt32 = 0, origin: UInt32 = 0) {
            self.sequence = sequence
            self.number = number
            self.text = text
            self.part = part
            self.origin = origin
        }

        /// The answer to a message that failed a check.
        public init(sequence: UInt64, error: WireError, part: UInt32 = 0, origin: UInt32 = 0) {
            self.init(
                sequence: sequence, number: error.number, text: error.description, part: part, origin: origin)
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

extension Body.Activations {
    /// The rows of the whole message that this part's payload has; nil when there is no such part.
    public var partRows: Range<Int>? { Body.rows(ofPart: part, of: max(1, parts), rows: Int(rows)) }
}
