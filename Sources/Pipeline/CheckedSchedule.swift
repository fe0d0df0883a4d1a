/// A schedule of which it is proven that it can be walked: nothing is missing or done twice, nothing stands before what
/// it needs, nothing waits for ever, and, where a cap is given, the stash keeps under it.
public struct CheckedSchedule: Sendable, Equatable {
    /// The schedule.
    public let schedule: Schedule
    /// The most bytes that can lie in each stage's stash.
    public let stashBound: [Int]

    /// Checks a schedule without devices.
    ///
    /// - Parameter capBytes: the most that a stage may stash; nil when there is no limit.
    /// - Throws: `ScheduleError` with stage, operation and rule.
    public init(_ schedule: Schedule, costs: PipelineCosts, capBytes: Int? = nil) throws(ScheduleError) {
        // An operation depends on lists that are at most `stepsAhead` steps away.
        _ = try Timetable(schedule, costs: costs, steps: schedule.steadySteps.upperBound)
        let bound = schedule.stashBound(costs: costs)
        if let capBytes {
            for (stage, peak) in bound.enumerated() where peak > capBytes {
                throw .overCap(stage: stage, peakBytes: peak, capBytes: capBytes)
            }
        }
        self.schedule = schedule
        stashBound = bound
    }
}

extension Schedule {
    /// Steps of a simulation between which the run is steady: the ones before settle, and the last ones, which are not
    /// among them, lack F0 of steps that do not come.
    var steadySteps: Range<Int> {
        let settled = stepsAhead + 2
        return settled..<(settled + stages.count + 2 + stepsAhead)
    }
}
