extension Body {
    /// Where a stream of messages between two programs of a method goes on: everything before it has arrived.
    public struct MethodPlace: Sendable, Hashable, Comparable {
        /// The message, from 1.
        public var number: UInt64
        /// Its part, from 0.
        public var part: UInt32

        /// A place.
        public init(number: UInt64 = 1, part: UInt32 = 0) {
            self.number = number
            self.part = part
        }

        /// Whether it comes first.
        public static func < (a: MethodPlace, b: MethodPlace) -> Bool { (a.number, a.part) < (b.number, b.part) }
    }

    /// A device's program introduces itself to the server's, which answers with its own greeting.
    public struct MethodGreeting: Sendable, Equatable {
        /// Drawn at random when the program was made: another life remembers nothing.
        public var life: UInt64
        /// What it expects next.
        public var next: MethodPlace

        /// A greeting.
        public init(life: UInt64, next: MethodPlace) {
            self.life = life
            self.next = next
        }
    }

    /// A part of a message of a method. Its payload frame has words of 32 bits.
    public struct MethodPart: Sendable, Equatable {
        /// Which one.
        public var place: MethodPlace
        /// Parts of the message, at least 1.
        public var parts: UInt32
        /// `payloadChecksum` of the payload frame; 0 without one.
        public var checksum: UInt64
        /// What the message says; in its first part alone.
        public var content: MethodContent?

        /// A part.
        public init(place: MethodPlace, parts: UInt32, checksum: UInt64, content: MethodContent?) {
            self.place = place
            self.parts = parts
            self.checksum = checksum
            self.content = content
        }
    }

    /// What a message of a method says, as stated by the sender; its tensors are in the payload.
    public struct MethodContent: Sendable, Equatable {
        /// The number of a kind of the contract.
        public var kind: UInt32
        /// The step, or the round, from 1.
        public var step: UInt32
        /// The state of the server's parameters, plus 1; 0 for none.
        public var version: UInt32
        /// A probe's direction, from 1; 0 without a probe.
        public var pair: UInt32
        /// Whether a probe lies at +ε.
        public var isPlus: Bool
        /// The samples of a batch.
        public var samples: MethodSamples?
        /// Numbers by name.
        public var scalars: [MethodScalar]
        /// The tensors of the payload, in their order.
        public var tensors: [MethodTensor]

        /// A header that states these values; nothing is checked.
        public init(
            kind: UInt32, step: UInt32, version: UInt32, pair: UInt32, isPlus: Bool, samples: MethodSamples?,
            scalars: [MethodScalar], tensors: [MethodTensor]
        ) {
            self.kind = kind
            self.step = step
            self.version = version
            self.pair = pair
            self.isPlus = isPlus
            self.samples = samples
            self.scalars = scalars
            self.tensors = tensors
        }
    }

    /// Samples of a batch: the lists of `Activations`.
    public struct MethodSamples: Sendable, Equatable {
        /// One entry per sample, as in `lengths` and `targetLengths`.
        public var sampleIDs: [UInt32]
        /// Tokens of each.
        public var lengths: [UInt32]
        /// How many targets each has.
        public var targetLengths: [UInt32]
        /// All targets, one sample after another.
        public var targets: [UInt32]

        /// Lists; nothing is checked.
        public init(sampleIDs: [UInt32], lengths: [UInt32], targetLengths: [UInt32], targets: [UInt32]) {
            self.sampleIDs = sampleIDs
            self.lengths = lengths
            self.targetLengths = targetLengths
            self.targets = targets
        }
    }

    /// A number by name.
    public struct MethodScalar: Sendable, Equatable {
        /// Unique in its message.
        public var name: String
        /// The number.
        public var value: Float

        /// A number.
        public init(name: String, value: Float) {
            self.name = name
            self.value = value
        }
    }

    /// A tensor of the payload.
    public struct MethodTensor: Sendable, Equatable {
        /// Unique in its message.
        public var name: String
        /// Rows of its values.
        public var rows: UInt32
        /// Columns of its values.
        public var columns: UInt32
        /// Whether an index for each row comes before the values.
        public var hasIndices: Bool

        /// A shape; nothing is checked.
        public init(name: String, rows: UInt32, columns: UInt32, hasIndices: Bool) {
            self.name = name
            self.rows = rows
            self.columns = columns
            self.hasIndices = hasIndices
        }
    }
}

extension Body.MethodPart {
    /// Payload bytes of a part, if the message has them.
    public static let usualBytes = 1 << 20

    /// How many parts a message has, of at most so many payload bytes each. One without words has one.
    public static func count(words: Int, partBytes: Int) -> UInt32 {
        let most = max(1, partBytes / 4)
        // As many rows to each part as to the others but the last: none is empty.
        let parts = max(1, (words + most - 1) / most)
        let size = max(1, (words + parts - 1) / parts)
        return UInt32(clamping: max(1, (words + size - 1) / size))
    }
}
