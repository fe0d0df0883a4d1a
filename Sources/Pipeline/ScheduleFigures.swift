/// What a schedule comes to by simulation. No figure is measured.
public struct ScheduleFigures: Sendable, Equatable {
    /// From one step's end to the next one's, in a long run.
    public let stepSeconds: Double
    /// One step alone from its first begin to its last end, with its own F0 done in the prologue or in its list.
    public let makespanSeconds: Double
    /// Of each stage, the share of a step of a long run in which it does nothing.
    public let bubbleRatios: [Double]
    /// The most bytes that can lie in each stage's stash.
    public let stashBound: [Int]

    /// The bubble of all stages together.
    public var bubbleRatio: Double { bubbleRatios.reduce(0, +) / Double(max(1, bubbleRatios.count)) }

    /// Simulates a schedule.
    ///
    /// - Throws: `ScheduleError`.
    public init(_ schedule: Schedule, costs: PipelineCosts) throws(ScheduleError) {
        let steady = schedule.steadySteps
        let timetable = try Timetable(schedule, costs: costs, steps: steady.upperBound)
        let last = steady.upperBound - schedule.stepsAhead - 1
        let times = timetable.stages.indices.map { stage in
            (timetable.stepEnd(stage: stage, step: last) - timetable.stepEnd(stage: stage, step: steady.lowerBound))
                / Double(last - steady.lowerBound)
        }
        let stepSeconds = times.max() ?? 0
        self.stepSeconds = stepSeconds
        makespanSeconds = try Timetable(schedule, costs: costs, steps: 1).makespan
        bubbleRatios = zip(schedule.stages, costs.stages).map { stage, cost in
            let busy = stage.step.reduce(0) { $0 + cost.seconds($1.kind) }
            return stepSeconds > 0 ? max(0, 1 - busy / stepSeconds) : 0
        }
        stashBound = schedule.stashBound(costs: costs)
    }
}
