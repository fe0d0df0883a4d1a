import Diagnostics
import Testing

@testable import Worker

@Suite("Frozen blocks beside a step")
struct FrozenSpansTests {
    @Test("passes that touch a step are the first stage's, cut to the step; others are left out")
    func joined() {
        let begin = ContinuousClock.now
        var spans = FrozenSpans()
        spans.add(from: begin - .seconds(3), to: begin - .seconds(2))
        spans.add(from: begin - .seconds(1), to: begin + .seconds(1))
        spans.add(from: begin + .seconds(3), to: begin + .seconds(9))
        spans.add(from: begin + .seconds(8), to: begin + .seconds(9))
        let forward = StepOperations.Operation(op: .forward, microBatch: 0, startSeconds: 0, endSeconds: 4)
        let step = StepOperations(
            step: 7, stages: [.init(stage: 0, operations: [forward]), .init(stage: 1, operations: [forward])])
        let joined = spans.joined(to: step, begun: begin)
        #expect(joined.stages[0].operations.map(\.op) == [.frozenForward, .frozenForward, .forward])
        #expect(joined.stages[0].operations.map(\.startSeconds) == [0, 3, 0])
        #expect(joined.stages[0].operations.map(\.endSeconds) == [1, 4, 4])
        #expect(joined.stages[1] == step.stages[1])
    }

    @Test("a step is told as it was when passes would make it more than anybody draws")
    func bound() {
        let begin = ContinuousClock.now
        let forward = StepOperations.Operation(op: .forward, microBatch: 0, startSeconds: 0, endSeconds: 1)
        let full = StepOperations(
            step: 1,
            stages: [.init(stage: 0, operations: Array(repeating: forward, count: StepOperations.mostOperations))])
        var spans = FrozenSpans()
        spans.add(from: begin, to: begin + .seconds(1))
        #expect(full.isPlausible)
        #expect(spans.joined(to: full, begun: begin) == full)
    }
}
