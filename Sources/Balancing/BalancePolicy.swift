/// Follows the measures of a run and says when a better plan is worth changing to: what the coordinator asks, and what
/// `Simulation` asks on its virtual clock.
///
/// Solving anew needs a speed that moved by a set share since it was last solved for; changing the plan needs an
/// improvement by a set share of the rest of the run. Noise below both changes nothing.
public struct BalancePolicy: Sendable {
    /// When a plan changes.
    public struct Settings: Codable, Sendable, Equatable {
        /// The share by which a measure must move before cuts are chosen anew.
        public var change: Double
        /// The share of the predicted time by which a new plan must be shorter.
        public var improvement: Double
        /// Payload bytes that may be on their way.
        public var credits: CreditLimits

        /// Settings; a speed counts as moved by a quarter, a plan as better by a twentieth.
        public init(credits: CreditLimits, change: Double = 0.25, improvement: Double = 0.05) {
            self.credits = credits
            self.change = change
            self.improvement = improvement
        }
    }

    /// Totals of a device since it began; totals that fall mean that it began anew.
    public struct DeviceTotals: Sendable, Equatable {
        /// Samples that it published and nobody had before.
        public var publishedSamples = 0
        /// Their tokens.
        public var publishedTokens = 0.0
        /// Seconds spent in the model.
        public var computeSeconds = 0.0
        /// What they were spent on: tokens times blocks.
        public var blockTokens = 0.0
        /// Payload bytes a second of the uplink while it was in use; 0 before it was measured.
        public var uplinkBytesPerSecond = 0.0
        /// In seconds; 0 before it was measured.
        public var roundTripSeconds = 0.0
        /// Blocks that it runs now.
        public var cut = 0

        /// Nothing yet.
        public init() {}
    }

    /// Totals of the server since it began.
    public struct ServerTotals: Sendable, Equatable {
        /// Time of missing frozen blocks, as of a worker that does nothing else.
        public var advanceSeconds = 0.0
        /// What it was spent on: tokens times blocks.
        public var advanceBlockTokens = 0.0
        /// Time of steps.
        public var stepSeconds = 0.0
        /// Their tokens.
        public var stepTokens = 0.0

        /// Nothing yet.
        public init() {}
    }

    private struct Followed: Sendable {
        var measure: DeviceMeasure
        var block = MeasureFilter()
        var uplink = MeasureFilter()
        var last = DeviceTotals()
        var publishedSamples = 0
        var solvedBlock: Double?
        var solvedUplink: Double?
    }

    /// What the run is.
    public let model: ModelFacts
    /// When a plan changes.
    public let settings: Settings
    /// The plan that the run follows; nil before the first.
    public private(set) var plan: Plan?
    /// How often a plan was solved for.
    public private(set) var solved = 0
    /// How often one was taken.
    public private(set) var taken = 0

    private var followed: [Followed] = []
    private var places: [String: Int] = [:]
    private var workers: [String] = []
    private var advance = MeasureFilter()
    private var step = MeasureFilter()
    private var lastServer = ServerTotals()
    private var advancedBlockTokens = 0.0
    private var publishedMissing = 0.0
    private var trainedTokens = 0.0
    private var solvedAdvance: Double?
    private var solvedStep: Double?
    private var isChanged = false

    /// A policy that knows no device yet.
    public init(model: ModelFacts, settings: Settings) {
        self.model = model
        self.settings = settings
    }

    /// A device registered, perhaps again. Before it was measured it keeps its cut.
    ///
    /// - Parameter memoryBytes: nil when it does not say.
    public mutating func registered(
        device id: String, samples: Int, memoryBytes: Int?, cut: Int, worker: String? = nil
    ) {
        guard let place = places[id] else {
            places[id] = followed.count
            followed.append(
                .init(
                    measure: .init(
                        id: id, memoryBytes: memoryBytes, samples: samples, tokens: 0, cut: cut, worker: worker)))
            return
        }
        isChanged = isChanged || followed[place].measure.memoryBytes != memoryBytes
        followed[place].measure.memoryBytes = memoryBytes
    }

    /// The workers that take part, in the order of their registration.
    public mutating func took(workers ids: [String]) {
        isChanged = isChanged || Set(ids) != Set(workers)
        workers = ids
    }

    /// A device's totals. One that never registered is not counted.
    public mutating func observed(device id: String, _ totals: DeviceTotals) {
        guard let place = places[id] else { return }
        var device = followed[place]
        let beganAnew = totals.publishedSamples < device.last.publishedSamples
        let before = beganAnew ? DeviceTotals() : device.last
        let tokens = max(0, totals.publishedTokens - before.publishedTokens)
        device.publishedSamples += totals.publishedSamples - before.publishedSamples
        device.measure.publishedTokens += tokens
        // What was published before a change of the cut is only slightly misjudged: totals come about once a second.
        publishedMissing += tokens * Double(max(0, model.frozenBlocks - totals.cut))
        device.block.observe(totalSeconds: totals.computeSeconds, totalUnits: totals.blockTokens)
        device.uplink.observe(seconds: 1, units: totals.uplinkBytesPerSecond)
        device.measure.roundTripSeconds = max(0, totals.roundTripSeconds)
        device.measure.cut = totals.cut
        device.last = totals
        followed[place] = device
    }

    /// The server's totals.
    public mutating func observed(server totals: ServerTotals) {
        let beganAnew = totals.stepTokens < lastServer.stepTokens
        let before = beganAnew ? ServerTotals() : lastServer
        advance.observe(totalSeconds: totals.advanceSeconds, totalUnits: totals.advanceBlockTokens)
        step.observe(totalSeconds: totals.stepSeconds, totalUnits: totals.stepTokens)
        advancedBlockTokens += max(0, totals.advanceBlockTokens - before.advanceBlockTokens)
        trainedTokens += max(0, totals.stepTokens - before.stepTokens)
        lastServer = totals
    }

    /// A new plan, if there is reason to change: something moved, and it is better by enough. Nil otherwise, and while
    /// every device or the server is unmeasured.
    public mutating func reconsider() -> Plan? {
        guard !followed.isEmpty, let server = serverMeasure(), hasMoved(server) else { return nil }
        let devices = deviceMeasures()
        guard devices.contains(where: { $0.secondsPerBlockToken != nil }) else { return nil }
        remember(devices, server)
        solved += 1
        let new = Balancer.plan(devices: devices, server: server, model: model, credits: settings.credits)
        let present = Balancer.prediction(
            cuts: devices.map(\.cut), devices: devices, server: server, model: model)
        let isWorth = new.prediction.seconds <= (1 - settings.improvement) * present.seconds
        // The first plan states prediction and reasons even where it is not worth a change of cuts, and so does the
        // first one that leaves nothing out.
        let isInformed = plan == nil || (new.isComplete && plan?.isComplete == false)
        guard isWorth || isInformed else { return nil }
        let kept =
            isWorth
            ? new
            : Balancer.plan(
                keeping: devices.map(\.cut), devices: devices, server: server, model: model, credits: settings.credits)
        plan = kept
        taken += 1
        for (place, assignment) in kept.assignments.enumerated() {
            followed[place].measure.cut = assignment.cut
            followed[place].measure.worker = assignment.worker
        }
        return kept
    }

    /// What is known of the devices now, in the order in which they registered.
    public func deviceMeasures() -> [DeviceMeasure] {
        let published = followed.reduce(0) { $0 + $1.publishedSamples }
        let tokens = followed.reduce(0) { $0 + $1.measure.publishedTokens }
        let mean = published > 0 ? tokens / Double(published) : 0
        return followed.map { device in
            var measure = device.measure
            let own = device.publishedSamples > 0 ? measure.publishedTokens / Double(device.publishedSamples) : mean
            measure.tokens = measure.publishedTokens + own * Double(max(0, measure.samples - device.publishedSamples))
            measure.secondsPerBlockToken = device.block.secondsPerUnit
            measure.uplinkBytesPerSecond = device.uplink.secondsPerUnit.map { 1 / $0 }
            return measure
        }
    }

    /// What is known of the server now; nil without a worker, and as long as nothing says what a step costs: cuts that
    /// take steps for free would leave to a busy server what a device has time for.
    ///
    /// What is not measured is estimated by `ModelFacts.stepInBlocks`. Without that, a missing block is taken to cost
    /// what the fastest device needs for it until the first ones were run.
    public func serverMeasure() -> ServerMeasure? {
        let ratio = model.stepInBlocks
        let measured = (advance: advance.secondsPerUnit, step: step.secondsPerUnit)
        let fastest = followed.compactMap(\.block.secondsPerUnit).min()
        let estimatedStep = measured.advance.flatMap { seconds in ratio.map { seconds * $0 } }
        let estimatedAdvance = measured.step.flatMap { seconds in ratio.map { seconds / $0 } } ?? fastest
        guard !workers.isEmpty, let stepSeconds = measured.step ?? estimatedStep,
            let advanceSeconds = measured.advance ?? estimatedAdvance
        else { return nil }
        return ServerMeasure(
            advanceSecondsPerBlockToken: advanceSeconds, stepSecondsPerToken: stepSeconds, workers: workers,
            pendingBlockTokens: max(0, publishedMissing - advancedBlockTokens), trainedTokens: trainedTokens)
    }

    /// Whether a plan made now would be complete.
    private var isMeasured: Bool {
        followed.allSatisfy { $0.block.secondsPerUnit != nil || $0.publishedSamples >= $0.measure.samples }
    }

    private func hasMoved(_ server: ServerMeasure) -> Bool {
        isChanged || plan == nil || (plan?.isComplete == false && isMeasured)
            || MeasureFilter.hasMoved(server.advanceSecondsPerBlockToken, from: solvedAdvance, by: settings.change)
            || MeasureFilter.hasMoved(server.stepSecondsPerToken, from: solvedStep, by: settings.change)
            || followed.contains { device in
                MeasureFilter.hasMoved(device.block.secondsPerUnit, from: device.solvedBlock, by: settings.change)
                    || MeasureFilter.hasMoved(
                        device.uplink.secondsPerUnit, from: device.solvedUplink, by: settings.change)
            }
    }

    private mutating func remember(_ devices: [DeviceMeasure], _ server: ServerMeasure) {
        isChanged = false
        solvedAdvance = server.advanceSecondsPerBlockToken
        solvedStep = server.stepSecondsPerToken
        for place in followed.indices {
            followed[place].solvedBlock = devices[place].secondsPerBlockToken
            followed[place].solvedUplink = followed[place].uplink.secondsPerUnit
        }
    }
}
