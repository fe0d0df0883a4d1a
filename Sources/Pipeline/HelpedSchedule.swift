extension Schedule {
    /// `permafrost` for stages of one process, whose threads help each other: of all schedules, and of those that take some
    /// micro-batches abreast, the one whose step is shortest then; in doubt the one with the least stash.
    ///
    /// - Parameters:
    ///   - costs: of stages without frozen blocks.
    ///   - sums: sums of gradients: B and W of micro-batch i come after those of i − sums.
    /// - Throws: `ScheduleError.capTooSmall`, `impossible`.
    public static func helped(
        costs: PipelineCosts, microBatches: Int, sums: Int, capBytes: Int?
    ) throws(ScheduleError) -> Schedule {
        var best = try make(.permafrost, costs: costs, microBatches: microBatches, capBytes: capBytes)
        let blocks = costs.stages.map(\.blocks)
        let others =
            ScheduleKind.allCases.filter { $0 != .permafrost }.map {
                classic($0, blocks: blocks, microBatches: microBatches, barrier: .allStages)
            }
            + (2...max(2, costs.stages.count)).map {
                abreast($0, blocks: blocks, microBatches: microBatches)
            }
        for candidate in others {
            let peak = candidate.stashBound(costs: costs).max() ?? 0
            if let capBytes, peak > capBytes { continue }
            let seconds = candidate.walkedFigures(costs: costs, sums: sums, helps: true).seconds
            let least = best.walkedFigures(costs: costs, sums: sums, helps: true).seconds
            let isAsShort = seconds <= least * (1 + tolerance)
            let isSmaller = peak < best.stashBound(costs: costs).max() ?? 0
            if seconds < least * (1 - tolerance) || isAsShort && isSmaller { best = candidate }
        }
        best.name = ScheduleKind.permafrost.rawValue
        return best
    }

    /// Times that differ by less are the same: the measured costs are no better.
    private static let tolerance = 0.005

    /// What becomes of a step as the executor walks it, which does not wait for F or B while it can do W: how long it
    /// takes, and the mean share of it in which a thread has nothing to do.
    ///
    /// - Parameter helps: whether threads of stages help each other.
    public func walkedFigures(costs: PipelineCosts, sums: Int, helps: Bool) -> (seconds: Double, bubbleRatio: Double) {
        let trace = VirtualClock.walk(self, sums: sums, helps: helps) { operation, stage in
            (.seconds(costs.stages[stage].seconds(operation.kind)), 0)
        }
        return (trace.duration / .seconds(1), trace.bubble)
    }

    /// Every stage takes F of some micro-batches, and then their B with W, before those of the next ones: with as many as
    /// there are threads, each of these has a micro-batch, as in one place.
    private static func abreast(_ width: Int, blocks: [StageBlocks], microBatches: Int) -> Schedule {
        let list = stride(from: 0, to: microBatches, by: width).flatMap { first -> [StageOperation] in
            let group = first..<min(first + width, microBatches)
            return group.map { StageOperation(.forward, $0) }
                + group.flatMap { [StageOperation(.backwardInput, $0), StageOperation(.backwardWeights, $0)] }
        }
        return Schedule(
            name: ScheduleKind.permafrost.rawValue, microBatches: microBatches, fusesBackward: true,
            stages: blocks.map { Stage(blocks: $0, step: list + [.init(.step)]) })
    }
}
