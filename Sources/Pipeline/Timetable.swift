/// When every operation of a schedule begins and ends, simulated from costs.
public struct Timetable: Sendable {
    /// One operation on a stage.
    public struct Entry: Sendable, Equatable {
        /// What is computed.
        public var kind: StageOperation.Kind
        /// For which micro-batch.
        public var microBatch: Int
        /// For which step, from 0.
        public var step: Int
        /// In whose step's list it stands; -1 for the prologue.
        public var list: Int
        /// Simulated seconds.
        public var start: Double
        /// Simulated seconds.
        public var end: Double
    }

    /// The operations of each stage in their order.
    public let stages: [[Entry]]
    /// How many steps were taken.
    public let steps: Int

    /// Lets all stages walk their lists for some steps.
    ///
    /// F0 for steps that do not come is left out, as in a run that ends.
    ///
    /// - Throws: `ScheduleError.broken` when a list is not whole, and with the first operation that waits for ever;
    ///   `impossible` when the costs are of other stages.
    public init(_ schedule: Schedule, costs: PipelineCosts, steps: Int) throws(ScheduleError) {
        try schedule.checkLists()
        guard costs.stages.count == schedule.stages.count else {
            throw .impossible(
                reason: "there are costs of \(costs.stages.count) stages for \(schedule.stages.count) stages")
        }
        var walk = Walk(schedule, costs: costs, steps: steps)
        try walk.run()
        stages = walk.entries
        self.steps = steps
    }

    /// From the first begin to the last end.
    public var makespan: Double { stages.reduce(0) { max($0, $1.last?.end ?? 0) } }

    /// When the optimizer's step ended on a stage.
    func stepEnd(stage: Int, step: Int) -> Double {
        stages[stage].last { $0.kind == .step && $0.step == step }?.end ?? 0
    }
}

/// The stages on their way through their lists.
private struct Walk {
    private let schedule: Schedule
    private let costs: PipelineCosts
    private let chain: StageChain
    private let steps: Int
    /// The end of each operation by stage, kind, step and micro-batch; not a number before it is known.
    private var ends: [Double]
    /// The steps' lists that a stage has finished, and its place in the one after.
    private var lists: [Int]
    private var places: [Int]
    private var free: [Double]
    private(set) var entries: [[Timetable.Entry]]

    init(_ schedule: Schedule, costs: PipelineCosts, steps: Int) {
        self.schedule = schedule
        self.costs = costs
        self.steps = steps
        chain = schedule.chain
        let count = schedule.stages.count
        ends = Array(repeating: .nan, count: count * 5 * steps * schedule.microBatches)
        lists = Array(repeating: -1, count: count)
        places = Array(repeating: 0, count: count)
        free = Array(repeating: 0, count: count)
        entries = Array(repeating: [], count: count)
    }

    mutating func run() throws(ScheduleError) {
        while lists.contains(where: { $0 < steps }) {
            var moved = false
            for stage in schedule.stages.indices {
                while lists[stage] < steps, take(stage) { moved = true }
            }
            guard moved else { throw deadlock() }
        }
    }

    /// Does a stage's next operation; false when it has to wait.
    private mutating func take(_ stage: Int) -> Bool {
        let list = lists[stage] < 0 ? schedule.stages[stage].prologue : schedule.stages[stage].step
        guard places[stage] < list.count else {
            lists[stage] += 1
            places[stage] = 0
            return true
        }
        let operation = list[places[stage]]
        let step = max(0, lists[stage]) + operation.stepsAhead
        if step < steps {
            guard let ready = ready(operation, stage: stage, step: step) else { return false }
            let start = max(free[stage], ready)
            let end = start + costs.stages[stage].seconds(operation.kind)
            ends[place(operation.kind, stage, step, operation.microBatch)] = end
            free[stage] = end
            entries[stage].append(
                .init(
                    kind: operation.kind, microBatch: operation.microBatch, step: step, list: lists[stage],
                    start: start, end: end))
        }
        places[stage] += 1
        return true
    }

    /// When an operation's inputs are there; nil when that is not known yet.
    private func ready(_ operation: StageOperation, stage: Int, step: Int) -> Double? {
        guard operation.kind != .step else {
            return schedule.stages[stage].blocks.trainable ? barrier(step: step) : 0
        }
        var ready = 0.0
        // Each is looked at before it enters the maximum, which would drop what is not a number.
        if operation.kind == .frozenForward, let reading = reading(operation, stage: stage, step: step) {
            guard !ends[reading.place].isNaN else { return nil }
            ready = ends[reading.place] + costs.transferSeconds(from: reading.stage, to: stage)
        }
        if let own = chain.ownInput(of: operation.kind) {
            let end = ends[place(own, stage, step, operation.microBatch)]
            guard !end.isNaN else { return nil }
            ready = max(ready, end)
        }
        if let input = chain.input(of: operation.kind, stage: stage, fusesBackward: schedule.fusesBackward) {
            let end = ends[place(input.kind, input.stage, step, operation.microBatch)]
            guard !end.isNaN else { return nil }
            ready = max(ready, end + costs.transferSeconds(from: input.stage, to: stage))
        }
        return ready
    }

    /// The operation that must have ended before F0 has room for its result: it reads the one that lies longest.
    private func reading(
        _ operation: StageOperation, stage: Int, step: Int
    ) -> (stage: Int, kind: StageOperation.Kind, microBatch: Int, place: Int)? {
        let number = step * schedule.microBatches + operation.microBatch - schedule.stages[stage].room
        guard number >= 0, let reader = chain.reader(ofFrozen: stage) else { return nil }
        let kind: StageOperation.Kind = chain.nextFrozen(stage) == nil ? .forward : .frozenForward
        let (step, microBatch) = number.quotientAndRemainder(dividingBy: schedule.microBatches)
        return (reader, kind, microBatch, place(kind, reader, step, microBatch))
    }

    /// When the W that a step waits for are done.
    private func barrier(step: Int) -> Double? {
        guard schedule.barrier == .allStages else { return 0 }
        var latest = 0.0
        for stage in schedule.stages.indices where schedule.stages[stage].blocks.trainable {
            for microBatch in 0..<schedule.microBatches {
                let end = ends[place(.backwardWeights, stage, step, microBatch)]
                guard !end.isNaN else { return nil }
                latest = max(latest, end)
            }
        }
        return latest + (schedule.stages.count > 1 ? costs.latencySeconds : 0)
    }

    private func deadlock() -> ScheduleError {
        for stage in schedule.stages.indices where lists[stage] < steps {
            let list = lists[stage] < 0 ? schedule.stages[stage].prologue : schedule.stages[stage].step
            guard places[stage] < list.count else { continue }
            let operation = list[places[stage]]
            return .broken(stage: stage, operation: operation, rule: waited(operation, stage: stage))
        }
        return .impossible(reason: "the schedule has no stages")
    }

    /// What an operation that cannot begin waits for.
    private func waited(_ operation: StageOperation, stage: Int) -> ScheduleRule {
        let step = max(0, lists[stage]) + operation.stepsAhead
        if operation.kind == .frozenForward, let reading = reading(operation, stage: stage, step: step),
            ends[reading.place].isNaN
        {
            return .noRoom(stage: reading.stage, operation: .init(reading.kind, reading.microBatch))
        }
        if operation.kind == .step {
            for other in schedule.stages.indices where schedule.stages[other].blocks.trainable {
                for microBatch in 0..<schedule.microBatches
                where ends[place(.backwardWeights, other, step, microBatch)].isNaN {
                    return .deadlock(stage: other, operation: .init(.backwardWeights, microBatch))
                }
            }
        }
        if let own = chain.ownInput(of: operation.kind), ends[place(own, stage, step, operation.microBatch)].isNaN {
            return .before(.init(own, operation.microBatch))
        }
        let input = chain.input(of: operation.kind, stage: stage, fusesBackward: schedule.fusesBackward)
        guard let input, input.stage != stage else { return .before(.init(.frozenForward, operation.microBatch)) }
        return .deadlock(stage: input.stage, operation: .init(input.kind, operation.microBatch))
    }

    private func place(_ kind: StageOperation.Kind, _ stage: Int, _ step: Int, _ microBatch: Int) -> Int {
        ((stage * 5 + Int(kind.rawValue)) * steps + step) * schedule.microBatches + microBatch
    }
}
