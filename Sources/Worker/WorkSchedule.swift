import Datasets

/// Decides what the worker computes next: training steps in the order of the recipe, and beside them the missing frozen
/// blocks (F0) of samples from weaker devices, as early as there is room.
///
/// Pure: it knows which samples have arrived and which are ready, and nothing of sockets, threads or numbers. What a
/// step trains, a `StepOrder` says, by default as a function of the seed and the shard sizes alone: neither a fast device
/// nor a busy machine pulls the model towards its own labels.
struct WorkSchedule {
    /// One thing to compute.
    enum Work: Equatable {
        /// Train on these samples.
        case step(epoch: Int, samples: [SampleReference])
        /// Run the missing frozen blocks over one message's samples.
        case advance(samples: [SampleReference], cut: Int)
    }

    /// What steps have trained before the schedule begins, where they are no function of the seed.
    struct Past: Equatable {
        /// By the epoch's steps that are behind what trains, in their order.
        var used: [SampleReference] = []
        /// By each later step that is recorded: these are taken first, with the same samples.
        var recorded: [[SampleReference]] = []
    }

    private let seed: UInt64
    private let epochs: Int
    private let batch: Int
    private let frozenBlocks: Int
    /// Passes over frozen blocks that run at the same time.
    private let advanceLimit: Int
    private let order: any StepOrder

    private var shelf: SampleShelf
    private var waiting: [(samples: [SampleReference], cut: Int)] = []
    private var firstWaiting = 0
    /// Passes over frozen blocks that are under way.
    private(set) var advancing = 0
    /// Whether passes over frozen blocks may start. Steps go on without.
    var startsAdvances = true
    private var epoch: EpochPlan
    private var recorded: ArraySlice<[SampleReference]>
    /// The step under way, and the epoch before it.
    private var underWay: (isRecorded: Bool, before: EpochPlan)?

    /// - Parameters:
    ///   - counts: the shard size of each device.
    ///   - batch: samples of one training step.
    ///   - frozenBlocks: blocks that every sample must have passed before it trains.
    ///   - startStep: steps that have already been taken: the schedule begins with the next one. Where none is left,
    ///     it is finished from the beginning.
    ///   - past: empty for the deterministic order.
    init(
        seed: UInt64, counts: [Int], epochs: Int, batch: Int, frozenBlocks: Int, advanceLimit: Int, startStep: Int = 0,
        order: TrainingOrder = .deterministic, past: Past = Past()
    ) {
        self.seed = seed
        self.epochs = epochs
        self.batch = batch
        self.frozenBlocks = frozenBlocks
        self.advanceLimit = advanceLimit
        self.order = order.chooser(seed: seed)
        shelf = SampleShelf(counts: counts)
        recorded = past.recorded[...]
        let start = StepPosition(after: startStep, samples: counts.reduce(0, +), batchSize: batch)
        epoch = EpochPlan(finished: min(start.epoch - 1, epochs))
        let used = order.followsArrivals ? past.used : nil
        beginNextEpoch(taken: start.batch, used: used)
    }

    /// Whether every step of every epoch has been taken.
    var isFinished: Bool { epoch.isComplete && underWay == nil && epoch.number == epochs }

    /// Samples that have arrived and that no step has used yet in this epoch.
    var queueDepth: Int { epoch.isComplete ? 0 : shelf.depth }

    /// One message's samples are in the store, after `cut` blocks.
    mutating func arrived(_ samples: [SampleReference], cut: Int) {
        let isReady = cut == frozenBlocks
        for sample in samples { shelf.set(isReady ? .ready : .frozenBlocksMissing, of: sample) }
        if !isReady { waiting.append((samples, cut)) }
    }

    /// The missing blocks of these samples have been run.
    mutating func advanced(_ samples: [SampleReference]) {
        for sample in samples { shelf.set(.ready, of: sample) }
        advancing -= 1
    }

    /// The missing blocks of these samples could not be run, or the result could not be kept: later again.
    mutating func notAdvanced(_ samples: [SampleReference], cut: Int) {
        advancing -= 1
        waiting.append((samples, cut))
    }

    /// The step under way could not be taken and has changed nothing: it comes again. A recorded one comes again with the
    /// same samples.
    mutating func notStepped(_ samples: [SampleReference]) {
        guard let step = underWay else { return }
        underWay = nil
        epoch = step.before
        shelf.putBack(samples)
        if step.isRecorded { recorded = [samples] + recorded }
    }

    /// A message's samples are not in the store any more.
    mutating func lost(_ samples: [SampleReference]) {
        for sample in samples { shelf.set(.missing, of: sample) }
        waiting.removeSubrange(..<firstWaiting)
        firstWaiting = 0
        waiting.removeAll { $0.samples == samples }
    }

    /// The running step has ended.
    mutating func stepped() {
        underWay = nil
        if epoch.isComplete { beginNextEpoch() }
    }

    /// The next thing to start now, or nil when there is nothing to start before something else ends or arrives.
    mutating func next() -> Work? {
        if underWay == nil, !epoch.isComplete, let step = nextStep() { return step }
        guard startsAdvances, advancing < advanceLimit, firstWaiting < waiting.count else { return nil }
        advancing += 1
        defer { firstWaiting += 1 }
        let (samples, cut) = waiting[firstWaiting]
        return .advance(samples: samples, cut: cut)
    }

    private mutating func nextStep() -> Work? {
        let before = epoch
        let samples: [SampleReference]
        if let again = recorded.first {
            guard shelf.isReady(again) else { return nil }
            shelf.take(again)
            recorded.removeFirst()
            underWay = (isRecorded: true, before)
            samples = again
        } else {
            guard let drawn = order.draw(epoch, from: &shelf) else { return nil }
            underWay = (isRecorded: false, before)
            samples = drawn
        }
        epoch.take(samples)
        return .step(epoch: epoch.number, samples: samples)
    }

    /// - Parameter used: what the steps taken have trained; nil when it was what was planned.
    private mutating func beginNextEpoch(taken: Int = 0, used: [SampleReference]? = nil) {
        let number = epoch.number + 1
        guard number <= epochs else { return }
        let order = SampleOrder.global(seed: seed, counts: shelf.counts, epoch: number)
        let used = used ?? Array(order.prefix(taken * batch))
        epoch = EpochPlan(order, number: number, batch: batch, taken: taken, used: used)
        shelf.begin(order)
        shelf.take(used)
    }
}
