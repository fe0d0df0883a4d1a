import Pipeline
import Testing

/// What arXiv 2401.10241 says of its schedules.
@Suite("Schedules of the zero-bubble paper")
struct PaperTests {
    private func figures(_ kind: ScheduleKind, _ costs: PipelineCosts, _ microBatches: Int) throws -> ScheduleFigures {
        try ScheduleFigures(
            Schedule.make(kind, costs: costs, microBatches: microBatches, barrier: .ownStage), costs: costs)
    }

    @Test("bubbles of stages with equal F, B and W are those of the paper's table", arguments: [1, 2, 3, 4, 6, 8])
    func bubbles(stages: Int) throws {
        let microBatches = 3 * stages
        let costs = Examples.equal(stages, forward: 2, backward: 2, weights: 2)
        let expected: [(ScheduleKind, Double)] = [
            (.gpipe, 2 + 2 + 2), (.oneForwardOneBackward, 2 + 2 + 2), (.zeroBubble1, 2 + 2 - 2),
            (.zeroBubble2, 2 + 2 - 2 * 2),
        ]
        for (kind, bubble) in expected {
            let found = try figures(kind, costs, microBatches)
            let work = Double(microBatches) * 6
            #expect(abs(found.stepSeconds - work - Double(stages - 1) * bubble) < 1e-9, "\(kind)")
            #expect(abs(found.bubbleRatio - (1 - work / found.stepSeconds)) < 1e-12, "\(kind)")
        }
    }

    @Test("peak stash is p micro-batches of 1F1B and ZB-H1, 2p − 1 of ZB-H2 and all of GPipe", arguments: [1, 2, 4, 7])
    func memory(stages: Int) throws {
        let costs = Examples.equal(stages)
        let expected: [(ScheduleKind, Int)] = [
            (.gpipe, 3 * stages), (.oneForwardOneBackward, stages), (.zeroBubble1, stages),
            (.zeroBubble2, 2 * stages - 1),
        ]
        for (kind, microBatches) in expected {
            let bound = try figures(kind, costs, 3 * stages).stashBound
            #expect(bound.max() == 100 * microBatches, "\(kind)")
            // The zero-bubble schedules give every stage as many; 1F1B needs less towards the end.
            if kind == .zeroBubble1 || kind == .zeroBubble2 { #expect(Set(bound).count == 1) }
            if kind == .oneForwardOneBackward { #expect(bound.last == 100) }
        }
    }

    @Test("the optimizer's barrier costs ZB-H2 what it had gained over ZB-H1")
    func barrier() throws {
        let costs = Examples.equal(4)
        let seconds = try [ScheduleKind.zeroBubble1, .zeroBubble2].map { kind in
            try ScheduleFigures(
                Schedule.make(kind, costs: costs, microBatches: 12, barrier: .allStages), costs: costs
            ).stepSeconds
        }
        #expect(seconds == [39, 39])
    }
}
