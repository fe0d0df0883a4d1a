/// Walks one step as the executor does, on a clock that goes as fast as operations are told to take.
enum VirtualClock {
    /// One step alone, whose threads do nothing else.
    static func walk(
        _ schedule: Schedule, sums: Int, helps: Bool,
        perform: (_ operation: StageOperation, _ stage: Int) throws -> (time: Duration, stashedBytes: Int)
    ) rethrows -> StepTrace {
        var late: [Duration] = []
        return try walk(schedule, sums: sums, helps: helps, late: &late, fill: { nil }, perform: perform)
    }

    /// - Parameters:
    ///   - schedule: checked; its F0 have been done.
    ///   - helps: whether a stage's thread does other stages' operations while its own has to wait.
    ///   - late: how long each thread still does, from the step's begin, what `fill` began in the step before; nothing if
    ///     it is empty. Afterwards, from the step's end.
    ///   - fill: called for a thread that has to wait: does something else, and gives how long it takes; nil when there is
    ///     nothing.
    ///   - perform: called once for each operation, after those that it reads; gives how long it takes and what then lies
    ///     in its stage's stash.
    static func walk(
        _ schedule: Schedule, sums: Int, helps: Bool, late: inout [Duration],
        fill: () throws -> Duration?,
        perform: (_ operation: StageOperation, _ stage: Int) throws -> (time: Duration, stashedBytes: Int)
    ) rethrows -> StepTrace {
        var progress = StepProgress(schedule, sums: sums, helps: helps)
        var trace = StepTrace(
            begin: .now, fusesBackward: schedule.fusesBackward, stages: schedule.stages.map { _ in [] })
        var threads: [Busy?] = schedule.stages.indices.map { thread in
            late.indices.contains(thread) && late[thread] > .zero ? Busy(end: late[thread]) : nil
        }
        var now = Duration.zero
        while true {
            for thread in threads.indices where threads[thread] == nil {
                if let (operation, stage) = progress.begin(thread: thread) {
                    let (time, stashedBytes) = try perform(operation, stage)
                    let entry = StepTrace.Entry(
                        operation: operation, thread: thread, start: now, end: now + time, stashedBytes: stashedBytes)
                    threads[thread] = Busy(end: entry.end, operation: (stage, entry))
                } else if let time = try fill() {
                    threads[thread] = Busy(end: now + time)
                }
            }
            // Once the last operation has ended, whatever fills goes on into the next step.
            guard threads.contains(where: { $0?.operation != nil }) || !progress.isFinished,
                let next = threads.compactMap({ $0?.end }).min()
            else { break }
            now = next
            for thread in threads.indices {
                guard let busy = threads[thread], busy.end == now else { continue }
                if let (stage, entry) = busy.operation {
                    progress.end(entry.operation, stage: stage)
                    trace.stages[stage].append(entry)
                }
                threads[thread] = nil
            }
        }
        late = threads.map { busy in busy.map { $0.end - now } ?? .zero }
        return trace
    }

    /// What a thread does.
    private struct Busy {
        var end: Duration
        /// Nil for what fills.
        var operation: (stage: Int, entry: StepTrace.Entry)?
    }
}
