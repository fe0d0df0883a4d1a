/// Walks one step as the executor does, on a clock that goes as fast as operations are told to take.
enum VirtualClock {
    /// - Parameters:
    ///   - schedule: checked; its F0 have been done.
    ///   - helps: whether a stage's thread does other stages' operations while its own has to wait.
    ///   - perform: called once for each operation, after those that it reads; gives how long it takes and what then lies
    ///     in its stage's stash.
    static func walk(
        _ schedule: Schedule, sums: Int, helps: Bool,
        perform: (_ operation: StageOperation, _ stage: Int) throws -> (time: Duration, stashedBytes: Int)
    ) rethrows -> StepTrace {
        var progress = StepProgress(schedule, sums: sums, helps: helps)
        var trace = StepTrace(
            begin: .now, fusesBackward: schedule.fusesBackward, stages: schedule.stages.map { _ in [] })
        var underWay: [(stage: Int, entry: StepTrace.Entry)?] = schedule.stages.map { _ in nil }
        var now = Duration.zero
        while true {
            for thread in underWay.indices where underWay[thread] == nil {
                guard let (operation, stage) = progress.begin(thread: thread) else { continue }
                let (time, stashedBytes) = try perform(operation, stage)
                let entry = StepTrace.Entry(
                    operation: operation, thread: thread, start: now, end: now + time, stashedBytes: stashedBytes)
                underWay[thread] = (stage, entry)
            }
            guard let next = underWay.compactMap({ $0?.entry.end }).min() else { return trace }
            now = next
            for thread in underWay.indices {
                guard let (stage, entry) = underWay[thread], entry.end == now else { continue }
                progress.end(entry.operation, stage: stage)
                trace.stages[stage].append(entry)
                underWay[thread] = nil
            }
        }
    }
}
