import Coordinator
import Datasets
import Queueing
import Testing
import Wire
import Worker

/// Runs over sockets that end in the middle and go on, and what a worker keeps of a long answer.
@Suite("Resumed runs and long targets over sockets", .serialized, .timeLimit(.minutes(2)))
struct ResumedRunTests {
    /// Trains to the end, or until a step after which the run is stopped.
    ///
    /// - Returns: the reported steps, and the worker's totals.
    private func train(_ run: TinyRun, until stop: Int? = nil) throws -> ([Body.StepReport], Body.WorkerFinished?) {
        let gate = StepGate(after: stop ?? 0)
        try run.startCoordinator()
        try run.startWorker { options in
            options.batch = TinyShards.batch
            options.training = WorkerTraining(
                begin: { _ in (run.trainer, []) },
                afterStep: { report, _ in
                    gate.passed(Int(report.step))
                    // Nobody tells when the worker has heard of the stop: a few more steps must not be all of them.
                    if let stop, report.step > stop { Nap.long() }
                })
        }
        for (id, shard) in TinyShards.shards { try run.startDevice(id, examples: shard) }
        if stop != nil {
            #expect(gate.holds())
            run.stop()
            gate.open()
        }
        switch try run.outcome() {
        case .completed(let totals):
            #expect(totals.steps == UInt64(TinyShards.steps) && stop == nil)
            return (run.events.all.compactMap(\.step), totals)
        case .interrupted(let totals): return (run.events.all.compactMap(\.step), totals)
        case .left: return (run.events.all.compactMap(\.step), nil)
        case .failed(let error, _): throw error
        }
    }

    @Test(
        "a run that stops at any step and goes on trains the adapters of an undisturbed run, bit for bit",
        arguments: [1, 9], Ground.all)
    func resumed(stop: Int, ground: Ground) throws {
        let run = try TinyRun(ground, TinyShards.planned)
        let (_, totals) = try train(run, until: stop)
        // The step under way when somebody says stop is still taken.
        let taken = try #require(totals.map { Int($0.steps) })
        try #require(taken >= stop && taken < TinyShards.steps && run.trainer.step == taken)

        let position = StepPosition(after: taken, samples: TinyShards.samples, batchSize: TinyShards.batch)
        let resumed = try TinyRun(ground, TinyShards.planned, trainer: run.trainer) { $0.epoch = position.epoch }
        let (steps, end) = try train(resumed)
        let (rest, epochs) = (steps.map { Int($0.step) }, steps.map { Int($0.epoch) })
        #expect(rest == Array(taken + 1...TinyShards.steps))
        #expect(epochs == rest.map { ($0 - 1) / 8 + 1 })
        #expect(end?.steps == UInt64(TinyShards.steps))
        #expect(try run.trainer.parameters.flat.values == TinyShards.adapters.get())
    }

    @Test("an answer's tokens reach the worker's store as they were, also through frozen blocks run for a weak device")
    func longTargets() throws {
        let run = try TinyRun(.simplest)
        let coordinator = try HandPeer(.router, context: run.site.context(), id: "coordinator")
        _ = try coordinator.channel.bind(run.endpoint)
        let store = MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32)
        // Somebody who never comes keeps the first step waiting.
        let absent = Body.DevicePlan(device: "absent", samples: 1, cut: 2)
        try run.startWorker { options in
            (options.creditBytes, options.batch, options.targetLimit) = (1 << 16, 10, 50)
            options.store = store
        }
        let worker = try coordinator.next(\.register)
        let examples = TinyModel.shard("d", count: 9).map { example in
            EncodedExample(tokens: example.tokens, targets: example.tokens.reversed())
        }
        try run.startDevice("d", examples: examples, publishBatch: 9)
        _ = try coordinator.next(\.register)
        try coordinator.channel.send(
            .runPlan(
                .init(devices: [.init(device: "d", samples: 9, cut: 0), absent], seed: 7, generation: 1)),
            to: "worker")
        try coordinator.channel.send(
            .assignment(
                .init(
                    cut: 0, workerEndpoint: worker.endpoint, seed: 7, generation: 1, number: 0, epoch: 1,
                    worker: "worker")), to: "d")
        _ = try coordinator.next { $0.progress?.finished == true ? true : nil }
        #expect(run.workerEvents.waits { if case .trainingBegan = $0.event { true } else { false } })
        // A worker that is told to stop finishes what it has begun.
        try coordinator.channel.send(.stop(.init(reason: "the test is over")), to: "worker")
        #expect(run.roles.haveEnded())
        #expect(store.count == 9)
        for (index, example) in examples.enumerated() {
            #expect(store.sample(UInt64(index))?.targets == example.targets)
            #expect(store.sample(UInt64(index))?.cut == TinyModel.frozenBlocks)
        }
        let tokens = examples.reduce(0) { $0 + $1.tokens.count }
        #expect(store.bytes == tokens * (run.model.forward.width + 1) * 4)
    }
}
