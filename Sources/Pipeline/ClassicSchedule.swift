/// The schedules by name.
public enum ScheduleKind: String, CaseIterable, Sendable {
    /// All F, then all B with W.
    case gpipe
    /// One F, one B with W.
    case oneForwardOneBackward = "1f1b"
    /// 1F1B with W late, in the memory of 1F1B (arXiv 2401.10241, section 2.1).
    case zeroBubble1 = "zb-h1"
    /// More F first, and W later still (arXiv 2401.10241, section 2.2).
    case zeroBubble2 = "zb-h2"
    /// F0 of later micro-batches and steps in every gap; fitted to the costs.
    case permafrost
}

extension Schedule {
    /// A schedule of a kind.
    ///
    /// - Parameters:
    ///   - costs: which stages have which blocks; `permafrost` is fitted to them.
    ///   - capBytes: the most that a stage may stash.
    /// - Throws: `ScheduleError.capTooSmall` with the smallest cap that the kind can keep, `impossible` for sizes.
    public static func make(
        _ kind: ScheduleKind, costs: PipelineCosts, microBatches: Int, barrier: StepBarrier = .allStages,
        capBytes: Int? = nil
    ) throws(ScheduleError) -> Schedule {
        try costs.check(microBatches: microBatches)
        guard kind != .permafrost else {
            return try permafrost(costs: costs, microBatches: microBatches, barrier: barrier, capBytes: capBytes)
        }
        let schedule = classic(
            kind, blocks: costs.stages.map(\.blocks), microBatches: microBatches, barrier: barrier)
        let peak = schedule.stashBound(costs: costs).max() ?? 0
        if let capBytes, peak > capBytes {
            throw .capTooSmall(schedule: kind.rawValue, capBytes: capBytes, smallestBytes: peak)
        }
        return schedule
    }

    /// A handcrafted schedule, which looks at no costs.
    ///
    /// Of p stages that train, stage s runs F of `warmUp` micro-batches first and W `delay` micro-batches after their B:
    ///
    /// | | warmUp | delay |
    /// |---|---|---|
    /// | gpipe | all | 0 |
    /// | 1f1b | p − s | 0 |
    /// | zb-h1 | p − s | s |
    /// | zb-h2 | 2(p − s) − 1 | 2s |
    ///
    /// F0 stands before its F where frozen blocks come before all trainable ones. Where a micro-batch passes the stages
    /// twice, first through frozen blocks, all F0 stand before the first F.
    static func classic(
        _ kind: ScheduleKind, blocks: [StageBlocks], microBatches: Int, barrier: StepBarrier
    ) -> Schedule {
        let trainable = blocks.count(where: \.trainable)
        let fuses = kind == .gpipe || kind == .oneForwardOneBackward
        let chain = StageChain(blocks)
        let isTwice = (chain.lastFrozen ?? 0) > (chain.firstTrainable ?? 0)
        var rank = 0
        let stages = blocks.map { held in
            let left = trainable - rank
            let (warmUp, delay) =
                switch kind {
                case .gpipe: (microBatches, 0)
                case .oneForwardOneBackward: (left, 0)
                case .zeroBubble1, .permafrost: (left, rank)
                case .zeroBubble2: (2 * left - 1, 2 * rank)
                }
            if held.trainable { rank += 1 }
            return Stage(
                blocks: held, room: !held.frozen ? 0 : isTwice ? microBatches : 2,
                step: list(held, microBatches, warmUp: warmUp, delay: delay, frozenFirst: isTwice))
        }
        return Schedule(
            name: kind.rawValue, microBatches: microBatches, fusesBackward: fuses, barrier: barrier, stages: stages)
    }

    private static func list(
        _ held: StageBlocks, _ microBatches: Int, warmUp: Int, delay: Int, frozenFirst: Bool
    ) -> [StageOperation] {
        var list: [StageOperation] = []
        if held.frozen, frozenFirst || !held.trainable {
            list += (0..<microBatches).map { .init(.frozenForward, $0) }
        }
        guard held.trainable else { return list + [.init(.step)] }
        let forward = { (microBatch: Int) -> [StageOperation] in
            let own = StageOperation(.forward, microBatch)
            return held.frozen && !frozenFirst ? [.init(.frozenForward, microBatch), own] : [own]
        }
        let first = min(warmUp, microBatches)
        list += (0..<first).flatMap(forward)
        for microBatch in 0..<microBatches {
            list.append(.init(.backwardInput, microBatch))
            if microBatch >= delay { list.append(.init(.backwardWeights, microBatch - delay)) }
            if first + microBatch < microBatches { list += forward(first + microBatch) }
        }
        list += (max(0, microBatches - delay)..<microBatches).map { .init(.backwardWeights, $0) }
        return list + [.init(.step)]
    }
}
