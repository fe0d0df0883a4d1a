extension Schedule {
    /// The schedule with F0 in the gaps: the best of what `StepBuilder` makes under many policies, and of the handcrafted
    /// schedules, so that none of these is ever faster in the same memory.
    ///
    /// - Throws: `ScheduleError.capTooSmall` with the smallest cap that any schedule can keep.
    static func permafrost(
        costs: PipelineCosts, microBatches: Int, barrier: StepBarrier, capBytes: Int?
    ) throws(ScheduleError) -> Schedule {
        let blocks = costs.stages.map(\.blocks)
        let chain = StageChain(blocks)
        let sparing = [false, true].map {
            oneByOne(blocks, microBatches: microBatches, barrier: barrier, fusesBackward: $0)
        }
        let smallest = sparing.compactMap { $0.stashBound(costs: costs).max() }.min() ?? 0
        if let capBytes, capBytes < smallest {
            throw .capTooSmall(
                schedule: ScheduleKind.permafrost.rawValue, capBytes: capBytes, smallestBytes: smallest)
        }
        var best: StepPlan?
        for policy in policies(chain, microBatches: microBatches, barrier: barrier, isCapped: capBytes != nil) {
            var builder = StepBuilder(
                policy, costs: costs, chain: chain, microBatches: microBatches, barrier: barrier, capBytes: capBytes)
            guard let plan = builder.plan() else { continue }
            if let best, !isBetter((plan.period, plan.stashBytes), than: (best.period, best.stashBytes)) { continue }
            best = plan
        }
        var candidates = ScheduleKind.allCases.filter { $0 != .permafrost }.map {
            classic($0, blocks: blocks, microBatches: microBatches, barrier: barrier)
        }
        candidates += sparing
        if let best {
            candidates.insert(best.schedule(blocks: blocks, microBatches: microBatches, barrier: barrier), at: 0)
        }
        return try fastest(candidates, costs: costs, capBytes: capBytes)
    }

    /// The candidate with the shortest step among those that keep under the cap; in doubt the one with less stash.
    private static func fastest(
        _ candidates: [Schedule], costs: PipelineCosts, capBytes: Int?
    ) throws(ScheduleError) -> Schedule {
        var best: (schedule: Schedule, figures: (seconds: Double, bytes: Int))?
        for candidate in candidates {
            let figures = try ScheduleFigures(candidate, costs: costs)
            let peak = figures.stashBound.max() ?? 0
            if let capBytes, peak > capBytes { continue }
            if let best, !isBetter((figures.stepSeconds, peak), than: best.figures) { continue }
            best = (candidate, (figures.stepSeconds, peak))
        }
        guard var schedule = best?.schedule else { throw .impossible(reason: "no schedule keeps under the cap") }
        schedule.name = ScheduleKind.permafrost.rawValue
        return schedule
    }

    /// Shorter by more than rounding, or as short with less stash.
    private static func isBetter(
        _ a: (seconds: Double, bytes: Int), than b: (seconds: Double, bytes: Int)
    ) -> Bool {
        let margin = 1e-9 * b.seconds
        return a.seconds < b.seconds - margin || a.seconds <= b.seconds + margin && a.bytes < b.bytes
    }

    /// Every combination that is worth a try. Of those that come out equal the first one is taken.
    private static func policies(
        _ chain: StageChain, microBatches: Int, barrier: StepBarrier, isCapped: Bool
    ) -> [StepPolicy] {
        let count = chain.stages.count
        let hasFrozen = chain.lastFrozen != nil
        let leads = hasFrozen ? distinct([1, count, microBatches]) : [0]
        let rooms: [Int?] = hasFrozen && isCapped ? [nil] + distinct([1, 2, count, microBatches]) : [nil]
        let growths = hasFrozen ? distinct([1, microBatches]) : [0]
        let warmUps = distinct([0, 1, 2, count - 1, count, microBatches])
        let staggers = barrier == .ownStage && count > 1 ? [false, true] : [false]
        // The product of all choices, one after another.
        var policies = [
            StepPolicy(
                lead: 0, leadGrowth: 0, extraWarmUp: 0, weightsAtOnce: false, overhang: 0, staggered: false)
        ]
        policies = leads.flatMap { value in policies.map { $0.with(\.lead, value) } }
        policies = growths.flatMap { value in policies.map { $0.with(\.leadGrowth, value) } }
        policies = rooms.flatMap { value in policies.map { $0.with(\.room, value) } }
        policies = warmUps.flatMap { value in policies.map { $0.with(\.extraWarmUp, value) } }
        policies = [true, false].flatMap { value in policies.map { $0.with(\.weightsAtOnce, value) } }
        policies = [0, 0.25, 0.5, 0.75, 1].flatMap { value in policies.map { $0.with(\.overhang, value) } }
        return staggers.flatMap { value in policies.map { $0.with(\.staggered, value) } }
    }

    private static func distinct(_ values: [Int]) -> [Int] {
        values.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// One micro-batch after the other through all stages: no schedule needs less stash.
    static func oneByOne(
        _ blocks: [StageBlocks], microBatches: Int, barrier: StepBarrier, fusesBackward: Bool
    ) -> Schedule {
        let stages = blocks.map { held in
            let list = (0..<microBatches).flatMap { microBatch -> [StageOperation] in
                let frozen = held.frozen ? [StageOperation(.frozenForward, microBatch)] : []
                guard held.trainable else { return frozen }
                return frozen + [
                    .init(.forward, microBatch), .init(.backwardInput, microBatch),
                    .init(.backwardWeights, microBatch),
                ]
            }
            return Stage(blocks: held, room: held.frozen ? 1 : 0, step: list + [.init(.step)])
        }
        return Schedule(
            name: ScheduleKind.permafrost.rawValue, microBatches: microBatches, fusesBackward: fusesBackward,
            barrier: barrier, stages: stages)
    }
}
