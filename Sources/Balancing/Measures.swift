/// What a plan must know of a device.
public struct DeviceMeasure: Codable, Sendable, Equatable {
    /// The device's id.
    public var id: String
    /// Seconds in which it takes one token through one frozen block; nil before it was measured: then it keeps its cut.
    public var secondsPerBlockToken: Double?
    /// Payload bytes that its uplink carries in a second; nil before it was measured: then the wire counts as free.
    public var uplinkBytesPerSecond: Double?
    /// From the device to its worker and back, in seconds; 0 before it was measured.
    public var roundTripSeconds: Double
    /// Memory it may use for the model, in bytes; nil when it does not say: then every cut fits.
    public var memoryBytes: Int?
    /// Samples it holds.
    public var samples: Int
    /// Tokens of all its samples, measured or estimated.
    public var tokens: Double
    /// Tokens that it has published already.
    public var publishedTokens: Double
    /// Blocks that it runs now.
    public var cut: Int
    /// The worker that has its samples, nil before it was given one. A device with a worker stays there.
    public var worker: String?

    /// A device, of which only what is known need be given.
    public init(
        id: String, secondsPerBlockToken: Double? = nil, uplinkBytesPerSecond: Double? = nil,
        roundTripSeconds: Double = 0, memoryBytes: Int? = nil, samples: Int, tokens: Double,
        publishedTokens: Double = 0, cut: Int, worker: String? = nil
    ) {
        self.id = id
        self.secondsPerBlockToken = secondsPerBlockToken
        self.uplinkBytesPerSecond = uplinkBytesPerSecond
        self.roundTripSeconds = roundTripSeconds
        self.memoryBytes = memoryBytes
        self.samples = samples
        self.tokens = tokens
        self.publishedTokens = publishedTokens
        self.cut = cut
        self.worker = worker
    }

    /// Tokens that it has still to publish.
    public var remainingTokens: Double { max(0, tokens - publishedTokens) }
}

/// What a plan must know of the server: all workers together.
public struct ServerMeasure: Codable, Sendable, Equatable {
    /// Seconds in which a worker that does nothing else takes one token through one frozen block (F0). Where several
    /// passes run at the same time, it is the time of all divided by their number.
    public var advanceSecondsPerBlockToken: Double
    /// Seconds of a worker's training step for one token: F, B and W of all trainable blocks.
    public var stepSecondsPerToken: Double
    /// The workers' ids, at least one.
    public var workers: [String]
    /// Frozen blocks that published samples still miss: tokens times blocks.
    public var pendingBlockTokens: Double
    /// Tokens that steps have trained so far, in all epochs.
    public var trainedTokens: Double

    /// A server that has nothing to catch up with unless it is said.
    public init(
        advanceSecondsPerBlockToken: Double, stepSecondsPerToken: Double, workers: [String],
        pendingBlockTokens: Double = 0, trainedTokens: Double = 0
    ) {
        self.advanceSecondsPerBlockToken = advanceSecondsPerBlockToken
        self.stepSecondsPerToken = stepSecondsPerToken
        self.workers = workers
        self.pendingBlockTokens = pendingBlockTokens
        self.trainedTokens = trainedTokens
    }
}

/// What a plan must know of the model and the run.
public struct ModelFacts: Codable, Sendable, Equatable {
    /// Blocks that are frozen: the largest cut, C.
    public var frozenBlocks: Int
    /// The smallest cut. At cut 0 a device would publish embeddings, from which its tokens can be looked up.
    public var minimumCut: Int
    /// Payload bytes of one token: width times bytes of a value.
    public var bytesPerToken: Double
    /// Memory of a device for one block.
    public var memoryBytesPerBlock: Int
    /// Memory of a device beside its blocks: embedding, buffers, credits.
    public var fixedMemoryBytes: Int
    /// How often every sample is trained.
    public var epochs: Int
    /// What a step costs for a token, in forward passes of a frozen block: about 2.1 for each block with adapters, 3 for
    /// each that trains as a whole. Of steps and frozen blocks, it gives the speed of those that were not measured from
    /// that of the others; nil when nobody knows.
    public var stepInBlocks: Double?

    /// The facts of a run.
    public init(
        frozenBlocks: Int, minimumCut: Int = 1, bytesPerToken: Double, memoryBytesPerBlock: Int,
        fixedMemoryBytes: Int, epochs: Int, stepInBlocks: Double? = nil
    ) {
        self.frozenBlocks = frozenBlocks
        self.minimumCut = minimumCut
        self.bytesPerToken = bytesPerToken
        self.memoryBytesPerBlock = memoryBytesPerBlock
        self.fixedMemoryBytes = fixedMemoryBytes
        self.epochs = epochs
        self.stepInBlocks = stepInBlocks
    }

    /// The blocks that fit into a memory, from 0 to all.
    public func largestCut(memoryBytes: Int?) -> Int {
        guard let memoryBytes, memoryBytesPerBlock > 0 else { return frozenBlocks }
        let (free, overflow) = memoryBytes.subtractingReportingOverflow(fixedMemoryBytes)
        guard !overflow, free > 0 else { return 0 }
        return min(frozenBlocks, free / memoryBytesPerBlock)
    }
}

/// How many payload bytes may be on their way.
public struct CreditLimits: Codable, Sendable, Equatable {
    /// Of all devices together.
    public var totalBytes: Int
    /// One message, or one part of a message that is sent in parts.
    public var messageBytes: Int
    /// Between the arrival of a message and its acknowledgement: what a sync of the disk takes on a bad day.
    public var storingSeconds = 0.1

    /// Limits in payload bytes, both at least one.
    public init(totalBytes: Int, messageBytes: Int) {
        self.totalBytes = totalBytes
        self.messageBytes = messageBytes
    }
}
