import Checkpoints
import Models
import Pipeline
import Support
import Tensors
import Testing

@testable import Runs

@Suite("Runs with pipelines")
struct PipelinedRunTests {
    @Test(
        "an embedded run with stages trains what one without trains, bit for bit, and says what its stages did",
        arguments: TrainedForm.all)
    func equalsUndivided(form: TrainedForm) throws {
        let forms = FormExactnessTests()
        func train(_ overrides: [String]) throws -> TrainingSetup {
            let setup = try forms.setup(form, .llama, overrides)
            let outcome = try EmbeddedRun(setup, shards: forms.shards(form.head), run: "pipeline").train { _ in }
            guard case .completed = outcome else {
                Issue.record("the run ended as \(outcome)")
                return setup
            }
            return setup
        }
        let undivided = try train([])
        #expect(undivided.pipeline == nil)
        for kind in [ScheduleKind.permafrost, .oneForwardOneBackward] {
            let divided = try train(["pipeline.stages=2", "pipeline.schedule=\(kind.rawValue)"])
            #expect(divided.parameters.flat.values == undivided.parameters.flat.values, "\(kind)")
            let summary = try #require(divided.pipeline?.summary)
            #expect(summary.schedule == kind.rawValue && summary.stages.count == 2)
            // Another thread may have done all that a stage's thread would have done, but somebody has.
            #expect(summary.stages.allSatisfy { $0.forwardSeconds > 0 && (0...1).contains($0.bubble) })
            #expect(summary.measuredBubble < 1)
            // Every block above the frozen ones, once.
            let blocks = summary.stages.flatMap { Array($0.blocks[0]...$0.blocks[1]) }
            #expect(blocks == Array(FormExactnessTests.frozenBlocks + 1...6))
        }
    }

    @Test(
        "a cap that no cut can keep is refused with the smallest one, which a run keeps and trains the same with",
        arguments: ScheduleKind.allCases)
    func cap(kind: ScheduleKind) throws {
        let forms = FormExactnessTests(), form = TrainedForm("full fine-tuning", "training.trainable=full")
        let overrides = ["model.frozen_blocks=2", "devices.cuts=[2, 1, 0]", "pipeline.schedule=\(kind.rawValue)"]
        func setup(_ stages: Int, _ cap: Int?) throws -> TrainingSetup {
            try forms.setup(
                form, .llama, overrides + ["pipeline.stages=\(stages)"] + (cap.map { ["pipeline.memory=\($0)"] } ?? []))
        }
        let expected = try setup(1, nil)
        _ = try EmbeddedRun(expected, shards: forms.shards(.verbalizer), run: "cap").train { _ in }
        for stages in 2...4 {
            var smallest = 0
            do {
                _ = try setup(stages, 1)
                Issue.record("one byte is too little")
            } catch ScheduleError.capTooSmall(kind.rawValue, 1, let bytes) {
                smallest = bytes
            }
            #expect(
                throws: ScheduleError.capTooSmall(
                    schedule: kind.rawValue, capBytes: smallest - 1, smallestBytes: smallest)
            ) { try setup(stages, smallest - 1) }
            let capped = try setup(stages, smallest)
            let outcome = try EmbeddedRun(capped, shards: forms.shards(.verbalizer), run: "cap").train { _ in }
            guard case .completed = outcome else {
                Issue.record("the run ended as \(outcome)")
                return
            }
            #expect(capped.parameters.flat.values == expected.parameters.flat.values, "\(stages) stages")
            let summary = try #require(capped.pipeline?.summary)
            #expect(summary.stages.allSatisfy { (1...smallest).contains($0.stashedBytes) }, "\(stages) stages")
        }
    }

    @Test("more stages than trainable blocks are refused with what is possible")
    func tooManyStages() throws {
        #expect(throws: ScheduleError.self) {
            try FormExactnessTests().setup(TrainedForm("adapters"), .llama, ["pipeline.stages=9"])
        }
    }
}
