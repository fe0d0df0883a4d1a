import Coordinator
import Datasets
import Dispatch
import Queueing
import Testing
import Wire

/// Runs over sockets that end in the middle and go on, and what a worker keeps of a long answer.
@Suite("Resumed runs and long targets over sockets", .serialized, .timeLimit(.minutes(2)))
struct ResumedRunTests {
    private static let plan = [
        Coordinator.Configuration.PlannedDevice(id: "strong", cut: 2), .init(id: "weak", cut: 0),
    ]
    private static let shards = [
        "strong": TinyRun.shard("strong", count: 17), "weak": TinyRun.shard("weak", count: 12),
    ]
    private static let batch = 4
    /// Eight steps in each of two epochs.
    private static let totalSteps = 16

    /// Trains from `startStep` on, to the end or until the step `stop` was reported.
    ///
    /// - Returns: the numbers of the reported steps, and the worker's totals.
    private func train(
        _ run: TinyRun, from startStep: Int = 0, until stop: Int? = nil
    ) throws -> (steps: [Int], epochs: [Int], totals: Body.WorkerFinished?) {
        let samples = Self.shards.values.reduce(0) { $0 + $1.count }
        let position = StepPosition(after: startStep, samples: samples, batchSize: Self.batch)
        let coordinator = try run.coordinator(Self.plan, epoch: position.epoch)
        var steps: [Int] = [], epochs: [Int] = []
        let outcome = try coordinator.run { endpoint in
            run.startWorker(coordinator: endpoint, batch: Self.batch, startStep: startStep)
            for (id, shard) in Self.shards { run.startDevice(id, coordinator: endpoint, examples: shard) }
        } observer: { event in
            guard case .step(let report) = event else { return }
            steps.append(Int(report.step))
            epochs.append(Int(report.epoch))
            if steps.last == stop { coordinator.stop() }
        }
        #expect(run.roles.haveEnded())
        for role in ["worker", "strong", "weak"] { #expect(run.roles.error(of: role) == nil) }
        switch outcome {
        case .completed(let totals):
            #expect(totals.steps == UInt64(Self.totalSteps) && stop == nil)
            return (steps, epochs, totals)
        case .interrupted(let totals): return (steps, epochs, totals)
        case .failed(let error, _): throw error
        }
    }

    @Test(
        "a run that stops at any step and goes on trains the adapters of an undisturbed run, bit for bit",
        arguments: [1, 4, 7, 9], TinyRun.endpoints)
    func resumed(stop: Int, transport: String) throws {
        let undisturbed = try TinyRun(transport: transport)
        let whole = try train(undisturbed)
        #expect(whole.steps == Array(1...Self.totalSteps))

        let run = try TinyRun(transport: transport)
        let first = try train(run, until: stop)
        // The step under way when somebody says stop is still taken.
        let taken = try #require(first.totals.map { Int($0.steps) })
        #expect(taken >= stop && taken < Self.totalSteps && run.trainer.step == taken)
        let second = try train(TinyRun(resuming: run), from: taken)
        #expect(second.steps == Array((1...Self.totalSteps).dropFirst(taken)))
        #expect(second.epochs == Array(whole.epochs.dropFirst(taken)))
        #expect(second.totals?.steps == UInt64(Self.totalSteps))
        #expect(run.trainer.parameters.flat.values == undisturbed.trainer.parameters.flat.values)
    }

    @Test("an answer's tokens reach the worker's store as they were, also through frozen blocks run for a weak device")
    func longTargets() throws {
        let run = try TinyRun(transport: "inproc://")
        let coordinator = try HandPeer(.router, context: run.context, id: "coordinator")
        let endpoint = try coordinator.channel.socket.bind("inproc://coordinator")
        let store = MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
        // Somebody who never comes keeps the first step waiting.
        let absent = Body.DevicePlan(device: "absent", samples: 1, cut: 2)
        run.startWorker(coordinator: endpoint, creditBytes: 1 << 16, batch: 10, targetLimit: 50, store: store)
        let worker = try coordinator.next(\.register)
        let examples = TinyRun.shard("d", count: 9).map { example in
            EncodedExample(tokens: example.tokens, targets: example.tokens.reversed())
        }
        run.startDevice("d", coordinator: endpoint, examples: examples, publishBatch: 9)
        _ = try coordinator.next(\.register)
        try coordinator.channel.send(
            .runPlan(
                .init(devices: [.init(device: "d", samples: 9, cut: 0), absent], seed: 7, generation: 1)),
            to: "worker")
        try coordinator.channel.send(
            .assignment(
                .init(cut: 0, workerEndpoint: worker.endpoint, seed: 7, generation: 1, number: 0, epoch: 1)), to: "d")
        _ = try coordinator.next { $0.progress?.finished == true ? true : nil }
        try coordinator.channel.send(.stop(.init(reason: "the test is over")), to: "worker")
        #expect(run.roles.haveEnded())
        // Both threads of the pool meet here: the frozen blocks' job, submitted before, has ended.
        let meeting = DispatchSemaphore(value: 0)
        run.pool.run(2) { if $0 == 0 { meeting.wait() } else { meeting.signal() } }
        #expect(store.count == 9)
        for (index, example) in examples.enumerated() {
            #expect(store.sample(UInt64(index))?.targets == example.targets)
            #expect(store.sample(UInt64(index))?.cut == TinyRun.frozenBlocks)
        }
        let tokens = examples.reduce(0) { $0 + $1.tokens.count }
        #expect(store.bytes == tokens * (run.forward.width + 1) * 4)
    }
}
