import Testing

@testable import Pipeline

@Suite("The typical one of some steps")
struct TypicalStepTests {
    private let costs = PipelineCosts(
        stages: Array(repeating: StageCosts(forward: 2, backwardInput: 2, backwardWeights: 1), count: 3))

    /// A step whose operations take what the costs say, but for some that take longer.
    private func step(_ schedule: Schedule, slow: Set<Int> = []) -> StepTrace {
        var number = 0
        return VirtualClock.walk(schedule, sums: 6, helps: false) { operation, stage in
            defer { number += 1 }
            let cost = costs.stages[stage]
            let time: Double =
                switch operation.kind {
                case .forward: cost.forward
                case .backwardInput: cost.backwardInput
                case .backwardWeights: cost.backwardWeights
                default: 0
                }
            return (.seconds(slow.contains(number) ? 7 * time : time), number)
        }
    }

    @Test("operations that were slow now and then count as they usually are", arguments: ScheduleKind.allCases)
    func slowNowAndThen(kind: ScheduleKind) throws {
        let schedule = try Schedule.make(kind, costs: costs, microBatches: 6), usual = step(schedule)
        let slow = [step(schedule, slow: [3, 20]), step(schedule, slow: [11]), step(schedule, slow: [0, 40])]
        let typical = StepTrace.typical(slow, of: schedule, sums: 6, helps: false)
        #expect(slow.allSatisfy { $0.duration > usual.duration })
        #expect(typical.duration == usual.duration)
        #expect(typical.bubble == usual.bubble)
        #expect(StepTrace.typical([slow[0]], of: schedule, sums: 6, helps: false).duration == slow[0].duration)
    }
}
