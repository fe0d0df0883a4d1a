import Datasets

/// Decides what the worker computes next: training steps in the planned order, and beside them the missing frozen
/// blocks (F0) of samples from weaker devices, as early as there is room.
///
/// Pure: it knows which samples have arrived and which are ready, and nothing of sockets, threads or numbers. The order
/// of steps is a function of the seed and the shard sizes alone, so neither a fast device nor a busy machine pulls the
/// model towards its own labels.
struct WorkSchedule {
    /// One thing to compute.
    enum Work: Equatable {
        /// Train on these samples.
        case step(epoch: Int, samples: [SampleReference])
        /// Run the missing frozen blocks over one message's samples.
        case advance(samples: [SampleReference], cut: Int)
    }

    private enum SampleState {
        case missing, frozenBlocksMissing, ready
    }

    private let seed: UInt64
    private let counts: [Int]
    private let epochs: Int
    private let batch: Int
    private let frozenBlocks: Int
    /// Passes over frozen blocks that run at the same time.
    private let advanceLimit: Int

    private var states: [[SampleState]]
    private var waiting: [(samples: [SampleReference], cut: Int)] = []
    private var firstWaiting = 0
    /// Passes over frozen blocks that are under way.
    private(set) var advancing = 0
    /// Whether passes over frozen blocks may start. Steps go on without.
    var startsAdvances = true
    private var isStepping = false
    private var epoch = 0
    private var batches: ArraySlice<[SampleReference]> = []

    /// - Parameters:
    ///   - counts: the shard size of each device.
    ///   - batch: samples of one training step.
    ///   - frozenBlocks: blocks that every sample must have passed before it trains.
    ///   - startStep: steps that have already been taken: the schedule begins with the next one. Where none is left,
    ///     it is finished from the beginning.
    init(
        seed: UInt64, counts: [Int], epochs: Int, batch: Int, frozenBlocks: Int, advanceLimit: Int, startStep: Int = 0
    ) {
        self.seed = seed
        self.counts = counts
        self.epochs = epochs
        self.batch = batch
        self.frozenBlocks = frozenBlocks
        self.advanceLimit = advanceLimit
        states = counts.map { Array(repeating: .missing, count: $0) }
        let start = StepPosition(after: startStep, samples: counts.reduce(0, +), batchSize: batch)
        epoch = min(start.epoch - 1, epochs)
        beginNextEpoch()
        batches = batches.dropFirst(start.batch)
    }

    /// Whether every step of every epoch has been taken.
    var isFinished: Bool { batches.isEmpty && !isStepping && epoch == epochs }

    /// Samples that have arrived and that no step has used yet in this epoch.
    var queueDepth: Int {
        batches.reduce(0) { $0 + $1.count { states[$0.device][$0.index] != .missing } }
    }

    /// One message's samples are in the store, after `cut` blocks.
    mutating func arrived(_ samples: [SampleReference], cut: Int) {
        let isReady = cut == frozenBlocks
        for sample in samples { states[sample.device][sample.index] = isReady ? .ready : .frozenBlocksMissing }
        if !isReady { waiting.append((samples, cut)) }
    }

    /// The missing blocks of these samples have been run.
    mutating func advanced(_ samples: [SampleReference]) {
        for sample in samples { states[sample.device][sample.index] = .ready }
        advancing -= 1
    }

    /// The missing blocks of these samples could not be run, or the result could not be kept: later again.
    mutating func notAdvanced(_ samples: [SampleReference], cut: Int) {
        advancing -= 1
        waiting.append((samples, cut))
    }

    /// The step under way could not be taken and has changed nothing: it comes again.
    mutating func notStepped(_ samples: [SampleReference]) {
        isStepping = false
        batches = [samples] + batches
    }

    /// A message's samples are not in the store any more.
    mutating func lost(_ samples: [SampleReference]) {
        for sample in samples { states[sample.device][sample.index] = .missing }
        waiting.removeSubrange(..<firstWaiting)
        firstWaiting = 0
        waiting.removeAll { $0.samples == samples }
    }

    /// The running step has ended.
    mutating func stepped() {
        isStepping = false
        if batches.isEmpty { beginNextEpoch() }
    }

    /// The next thing to start now, or nil when there is nothing to start before something else ends or arrives.
    mutating func next() -> Work? {
        if !isStepping, let samples = batches.first, samples.allSatisfy({ states[$0.device][$0.index] == .ready }) {
            isStepping = true
            batches.removeFirst()
            return .step(epoch: epoch, samples: samples)
        }
        guard startsAdvances, advancing < advanceLimit, firstWaiting < waiting.count else { return nil }
        advancing += 1
        defer { firstWaiting += 1 }
        let (samples, cut) = waiting[firstWaiting]
        return .advance(samples: samples, cut: cut)
    }

    private mutating func beginNextEpoch() {
        guard epoch < epochs else { return }
        epoch += 1
        batches = Batches.cut(SampleOrder.global(seed: seed, counts: counts, epoch: epoch), size: batch)[...]
    }
}
