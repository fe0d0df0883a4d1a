import Synchronization
import Testing

@testable import Runs

@Suite("Steps of an embedded run")
struct EmbeddedRunTests {
    @Test("what follows a step comes after the news of it and before the next step")
    func order() throws {
        enum Event: Equatable { case told(Int), followed(Int) }
        let forms = FormExactnessTests()
        let setup = try forms.setup(TrainedForm("adapters"), .llama)
        let events = Mutex<[Event]>([])
        let run = try EmbeddedRun(setup, shards: forms.shards(.verbalizer), run: "order") { step in
            events.withLock { $0.append(.followed(Int(step.step))) }
            #expect(setup.trainer.step == Int(step.step))
        }
        _ = try run.train { event in
            if case .step(let report) = event { events.withLock { $0.append(.told(Int(report.step))) } }
        }
        #expect(events.withLock { $0 } == (1...10).flatMap { [.told($0), .followed($0)] })
    }

    @Test("an observer that fails ends the run, although a step waits for it", arguments: 1...3)
    func failingObserver(failure: Int) throws {
        struct Failure: Error {}
        let forms = FormExactnessTests()
        let setup = try forms.setup(TrainedForm("adapters"), .llama)
        #expect(throws: Failure.self) {
            try EmbeddedRun(setup, shards: forms.shards(.verbalizer), run: "failing").train { event in
                if case .step(let report) = event, report.step == failure { throw Failure() }
            }
        }
        #expect(setup.trainer.step < setup.totalSteps)
    }

    @Test("what follows a step can end the run")
    func failingFollower() throws {
        struct Failure: Error {}
        let forms = FormExactnessTests()
        let setup = try forms.setup(TrainedForm("adapters"), .llama)
        let outcome = try EmbeddedRun(setup, shards: forms.shards(.verbalizer), run: "failing") { step in
            if step.step == 2 { throw Failure() }
        }.train { _ in }
        guard case .failed = outcome else {
            Issue.record("the run ended as \(outcome)")
            return
        }
        #expect(setup.trainer.step < setup.totalSteps)
    }
}
