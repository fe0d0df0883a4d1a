/// Builds the lists of one step by letting the stages work on a virtual clock.
///
/// A stage that is free does B if one is ready, else F, else it fills the gap: with W, of which the step needs all, then
/// with F0, which can as well wait for the next step. A filler is only taken if it fits before the next B or F that is
/// known to come. Every step goes the same way, each stage being as many F0 ahead at its end as at its begin: what a
/// stage reads from before its lead was done in the step before.
struct StepBuilder {
    private typealias Kind = StageOperation.Kind

    private let costs: PipelineCosts
    private let chain: StageChain
    private let microBatches: Int
    private let capBytes: Int
    private let barrier: StepBarrier
    private let policy: StepPolicy
    private var leads: [Int]
    private let warmUp: [Int]
    /// Bytes of each stage's cap that are kept for results of F0.
    private let reserved: [Int]
    /// When each stage's step begins.
    private let begins: [Double]

    private var now = 0.0
    private var free: [Double]
    /// Ends by kind, stage and number, as they become known.
    private var ends: [[[Double]]]
    private var kinds: [[StageOperation.Kind]]
    /// What F, B and W have stashed, and the most of it.
    private var stash: [Int]
    private var stashPeak: [Int]
    /// The most results of each stage's F0 that lie with their reader.
    private var rooms: [Int]

    init(
        _ policy: StepPolicy, costs: PipelineCosts, chain: StageChain, microBatches: Int, barrier: StepBarrier,
        capBytes: Int?
    ) {
        self.policy = policy
        self.costs = costs
        self.chain = chain
        self.microBatches = microBatches
        self.barrier = barrier
        self.capBytes = capBytes ?? .max
        let count = costs.stages.count
        var leads = Array(repeating: 0, count: count)
        var warmUp = leads, begins = Array(repeating: 0.0, count: count)
        var lead = policy.lead, underWay = policy.extraWarmUp
        for stage in (0..<count).reversed() {
            if chain.stages[stage].frozen {
                leads[stage] = lead
                lead += policy.leadGrowth
            }
            if chain.stages[stage].trainable { underWay += 1 }
            warmUp[stage] = underWay
        }
        if policy.staggered {
            for stage in 1..<count {
                begins[stage] =
                    begins[stage - 1] + costs.stages[stage - 1].forward
                    + costs.transferSeconds(from: stage - 1, to: stage)
            }
        }
        var reserved = Array(repeating: 0, count: count)
        if let room = policy.room {
            for stage in 0..<count where chain.stages[stage].frozen {
                if let reader = chain.reader(ofFrozen: stage) { reserved[reader] += room * costs.boundaryBytes }
            }
        }
        self.reserved = reserved
        self.leads = leads
        self.warmUp = warmUp
        self.begins = begins
        free = begins
        ends = Array(repeating: Array(repeating: [], count: count), count: Kind.allCases.count)
        kinds = Array(repeating: [], count: count)
        stash = Array(repeating: 0, count: count)
        stashPeak = stash
        rooms = stash
    }

    /// The step, or nil when the policy cannot keep under the cap.
    mutating func plan() -> StepPlan? {
        for stage in leads.indices where chain.stages[stage].frozen {
            guard unread(stage) <= policy.room ?? .max else { return nil }
        }
        var left = chain.stages.reduce(0) { $0 + microBatches * (($1.trainable ? 3 : 0) + ($1.frozen ? 1 : 0)) }
        while true {
            left -= startAll()
            guard left > 0 else { break }
            guard let next = nextMoment() else { return nil }
            now = next
        }
        shorten()
        var bound = stashPeak
        for stage in rooms.indices where chain.stages[stage].frozen {
            if let reader = chain.reader(ofFrozen: stage) { bound[reader] += rooms[stage] * costs.boundaryBytes }
        }
        let most = bound.max() ?? 0
        let ahead = (leads.max() ?? 0) / microBatches + 1
        guard most <= capBytes, ahead <= Schedule.limits.stepsAhead else { return nil }
        return StepPlan(kinds: kinds, leads: leads, rooms: rooms, period: period, stashBytes: most)
    }

    /// How long a step is if the next one goes like it.
    private var period: Double {
        var barrierEnd = 0.0
        if barrier == .allStages {
            barrierEnd = ends[Int(Kind.backwardWeights.rawValue)].reduce(0) { max($0, $1.last ?? 0) }
            barrierEnd += costs.stages.count > 1 ? costs.latencySeconds : 0
        }
        return costs.stages.indices.reduce(0) { most, stage in
            max(most, max(free[stage], barrierEnd) + costs.stages[stage].optimizer - begins[stage])
        }
    }

    /// Lets every free stage begin something; returns how many did.
    private mutating func startAll() -> Int {
        var count = 0
        for stage in free.indices where free[stage] <= now {
            guard let kind = choice(stage) else { continue }
            start(kind, stage)
            count += 1
        }
        return count
    }

    private mutating func start(_ kind: StageOperation.Kind, _ stage: Int) {
        let change = StashChange(kind, cost: costs.stages[stage], fusesBackward: false)
        stash[stage] += change.comes
        stashPeak[stage] = max(stashPeak[stage], stash[stage])
        // The stage's next operation begins after this one's end.
        stash[stage] -= change.goes
        let end = now + costs.stages[stage].seconds(kind)
        free[stage] = end
        ends[Int(kind.rawValue)][stage].append(end)
        kinds[stage].append(kind)
    }

    /// The next time at which a stage is free or an input arrives; nil when nothing will happen any more.
    private func nextMoment() -> Double? {
        var next = Double.infinity
        for stage in free.indices {
            if free[stage] > now { next = min(next, free[stage]) }
            for kind in [Kind.frozenForward, .forward, .backwardInput] {
                if let time = readyTime(kind, stage), time > now { next = min(next, time) }
            }
        }
        return next.isFinite ? next : nil
    }

    /// What a free stage does now, if anything.
    private func choice(_ stage: Int) -> StageOperation.Kind? {
        let waiting = count(.backwardWeights, stage) < count(.backwardInput, stage)
        if policy.weightsAtOnce, waiting { return .backwardWeights }
        var gap = Double.infinity
        for kind in [Kind.backwardInput, .forward] {
            guard let ready = readyTime(kind, stage) else { continue }
            if ready > now {
                gap = min(gap, ready - now)
            } else if hasRoom(for: kind, stage) {
                return kind
            } else if waiting {
                return .backwardWeights
            }
        }
        if waiting, fits(.backwardWeights, stage, gap) { return .backwardWeights }
        guard let ready = readyTime(.frozenForward, stage), ready <= now, fits(.frozenForward, stage, gap),
            hasRoom(for: .frozenForward, stage)
        else { return nil }
        return .frozenForward
    }

    private func fits(_ kind: StageOperation.Kind, _ stage: Int, _ gap: Double) -> Bool {
        costs.stages[stage].seconds(kind) * (1 - policy.overhang) <= gap * (1 + 1e-9)
    }

    /// When the stage's next operation of a kind has its inputs; nil when there is none, or that is not known yet.
    private func readyTime(_ kind: StageOperation.Kind, _ stage: Int) -> Double? {
        let number = count(kind, stage)
        guard number < microBatches else { return nil }
        let isHeld = kind == .frozenForward ? chain.stages[stage].frozen : chain.stages[stage].trainable
        guard isHeld else { return nil }
        var ready = 0.0
        if kind == .forward, number - count(.backwardInput, stage) >= warmUp[stage] { return nil }
        if let own = chain.ownInput(of: kind) {
            guard number < count(own, stage) else { return nil }
            ready = ends[Int(own.rawValue)][stage][number]
        }
        guard let input = chain.input(of: kind, stage: stage, fusesBackward: false) else { return ready }
        let ahead = kind == .frozenForward ? leads[stage] : 0
        let needed = number + ahead - (input.kind == .frozenForward ? leads[input.stage] : 0)
        let transfer = costs.transferSeconds(from: input.stage, to: stage)
        // Done in the step before, which the stage that did it had finished when its own step began.
        guard needed >= 0 else { return max(ready, policy.staggered ? begins[input.stage] + transfer : 0) }
        guard needed < count(input.kind, input.stage) else { return nil }
        return max(ready, ends[Int(input.kind.rawValue)][input.stage][needed] + transfer)
    }

    /// Whether the stash has room for an operation, and F also for its B.
    private func hasRoom(for kind: StageOperation.Kind, _ stage: Int) -> Bool {
        if kind == .frozenForward { return unread(stage) < policy.room ?? .max }
        let cost = costs.stages[stage]
        let comes = StashChange(kind, cost: cost, fusesBackward: false).comes
        let reserve = kind == .forward ? max(0, cost.weightStashBytes - cost.activationBytes) : 0
        return comes + reserve <= capBytes - reserved[stage] - stash[stage]
    }

    /// How many results of a stage's F0, those of one under way among them, lie with their reader.
    private func unread(_ stage: Int) -> Int {
        guard let reader = chain.reader(ofFrozen: stage) else { return 0 }
        let kind: StageOperation.Kind = chain.nextFrozen(stage) == nil ? .forward : .frozenForward
        let begun = ends[Int(kind.rawValue)][reader]
        let ended = begun.count - ((begun.last ?? 0) > now ? 1 : 0)
        let ahead = leads[stage] - (kind == .frozenForward ? leads[reader] : 0)
        return ahead + count(.frozenForward, stage) - ended
    }

    /// How many operations of a kind a stage has begun.
    private func count(_ kind: StageOperation.Kind, _ stage: Int) -> Int { ends[Int(kind.rawValue)][stage].count }
}

// MARK: - Leads no greater than the plan needs

extension StepBuilder {
    /// Takes every lead back as far as nothing begins later for it, and finds the room that is then needed.
    private mutating func shorten() {
        let period = period, microBatches = microBatches
        for stage in leads.indices.reversed() where chain.stages[stage].frozen {
            guard let reader = chain.reader(ofFrozen: stage) else { continue }
            let kind: StageOperation.Kind = chain.nextFrozen(stage) == nil ? .forward : .frozenForward
            let done = ends[Int(Kind.frozenForward.rawValue)][stage]
            let reads = ends[Int(kind.rawValue)][reader]
            let seconds = costs.stages[reader].seconds(kind)
            let transfer = costs.transferSeconds(from: stage, to: reader)
            let readerLead = kind == .frozenForward ? leads[reader] : 0
            // The end of a number that counts through the steps, of which this one begins at 0.
            let end = { (ends: [Double], number: Int) -> Double in
                let step = number >= 0 ? number / microBatches : -((microBatches - 1 - number) / microBatches)
                return ends[number - step * microBatches] + Double(step) * period
            }
            let margin = 1e-9 * period
            let lead = (readerLead...max(readerLead, leads[stage])).first { lead in
                reads.indices.allSatisfy { place in
                    end(done, place + readerLead - lead) + transfer <= reads[place] - seconds + margin
                }
            }
            leads[stage] = lead ?? leads[stage]
            rooms[stage] = done.indices.reduce(1) { most, place in
                let begin = done[place] - costs.stages[stage].frozenForward
                var room = most
                // With less room this F0 would wait for a reading that ends after its begin.
                while end(reads, place + leads[stage] - readerLead - room) > begin + margin { room += 1 }
                return room
            }
        }
    }
}
