import Datasets
import Faults
import Foundation
import Queueing
import Synchronization
import Testing
import Wire

@testable import Worker

/// Workers over TCP and durable stores, between a coordinator and a device that are led by hand.
@Suite("Worker over TCP", .timeLimit(.minutes(3)), .serialized)
struct WorkerLoopTests {
    private static let examples = TinyModel.shard(12)
    /// Samples of each message, and the cut at which it comes.
    private static let groups: [(ids: [Int], cut: Int)] = [
        ([3, 0, 7], 2), ([1, 2, 4], 1), ([5, 6, 8], 2), ([11, 10, 9], 0),
    ]
    private static let plan = Body.RunPlan(
        devices: [.init(device: "d", samples: 12, cut: 2)], seed: 7, generation: 1)

    /// A run's parts in one place.
    private struct Scene {
        let context: ZeroMQContext
        let coordinator: HandCoordinator
        let model: TinyModel

        init() throws {
            context = try ZeroMQContext()
            coordinator = try HandCoordinator(context: context)
            model = try TinyModel()
        }

        func start(
            _ id: String, _ folder: TemporaryFolder, failsAfter step: Int = .max
        ) throws -> (worker: TinyWorker, register: Body.Register) {
            var training = model.training(folder.url.appendingPathComponent("checkpoint"))
            training.afterStep = { report, _ in if report.step == step { throw Crash() } }
            let worker = try TinyWorker(
                id, context: context, coordinator: coordinator.endpoint, folder: folder.url, model: model,
                training: training)
            return (worker, try coordinator.next(from: id) { if case .register(let found) = $0 { found } else { nil } })
        }

        func publish(_ sequences: some Sequence<Int>, _ device: HandDevice) throws {
            for sequence in sequences {
                let (ids, cut) = WorkerLoopTests.groups[sequence - 1]
                try device.send(model.message(UInt64(sequence), ids, of: WorkerLoopTests.examples, cut: cut))
                try device.acknowledged(UInt64(sequence))
            }
        }

        /// The adapters' digests after each step, until the worker has taken the last of its steps or some.
        func digests(from id: String = "worker", until last: UInt64 = 6) throws -> [UInt64: UInt64] {
            var digests: [UInt64: UInt64] = [:]
            while digests[last] == nil {
                let report = try coordinator.next(from: id) { body in
                    if case .stepReport(let report) = body { report } else { nil }
                }
                digests[report.step] = report.adapterDigest
                try coordinator.send(.stepRecorded(step: report.step), to: id)
            }
            return digests
        }

        func finish(_ id: String = "worker") throws -> Body.WorkerFinished {
            let finished = try coordinator.next(from: id) { body in
                if case .workerFinished(let found) = body { found } else { nil }
            }
            try coordinator.send(.stop(.init(reason: "the test is over")), to: id)
            return finished
        }
    }

    private struct Crash: Error {}

    /// What a run without any disturbance comes to.
    private static func undisturbed() throws -> [UInt64: UInt64] {
        let scene = try Scene()
        let folder = try TemporaryFolder()
        let (worker, register) = try scene.start("worker", folder)
        try scene.coordinator.send(.runPlan(plan), to: "worker")
        let device = try HandDevice("d", context: scene.context, worker: register.endpoint)
        #expect(try device.welcome(samples: 12).settled == [])
        try scene.publish(1...4, device)
        let digests = try scene.digests()
        #expect(try scene.finish().steps == 6)
        #expect(try worker.ended() == .completed)
        return digests
    }

    @Test(
        "a worker that dies and is started again asks for nothing it acknowledged, and takes the same steps bit for bit"
    )
    func restart() throws {
        let scene = try Scene()
        let folder = try TemporaryFolder()
        let (first, register) = try scene.start("worker", folder, failsAfter: 2)
        #expect(register.messages == 0 && register.step == 0)
        try scene.coordinator.send(.runPlan(Self.plan), to: "worker")
        let device = try HandDevice("d", context: scene.context, worker: register.endpoint)
        _ = try device.welcome(samples: 12)
        try scene.publish([2, 4, 1, 3], device)
        let before = try scene.digests(until: 2)
        #expect(throws: Crash.self) { try first.ended() }

        let (second, again) = try scene.start("worker", folder)
        #expect(again.messages == 4)
        try scene.coordinator.send(.runPlan(Self.plan), to: "worker")
        let returned = try HandDevice("d", context: scene.context, worker: again.endpoint)
        #expect(try returned.welcome(samples: 12).settled == [1...4])
        let after = try scene.digests()
        #expect(before.allSatisfy { after[$0.key] == $0.value })
        #expect(try after == Self.undisturbed())
        #expect(try scene.finish().drained == false)
        #expect(try second.ended() == .completed)
    }

    @Test("a worker that its process asks to leave checkpoints its step, and goes on there when it is started again")
    func leave() throws {
        let scene = try Scene()
        let folder = try TemporaryFolder()
        let (first, register) = try scene.start("worker", folder)
        try scene.coordinator.send(.runPlan(Self.plan), to: "worker")
        let device = try HandDevice("d", context: scene.context, worker: register.endpoint)
        _ = try device.welcome(samples: 12)
        try scene.publish(1...4, device)
        var digests = try scene.digests(until: 1)
        first.stop()
        let finished = try scene.coordinator.next { if case .workerFinished(let found) = $0 { found } else { nil } }
        #expect(finished.drained && finished.steps >= 1)
        try scene.coordinator.send(.drain(.init()), to: "worker")
        #expect(try first.ended() == .drained)

        let (second, again) = try scene.start("worker", folder)
        #expect(again.step == finished.steps)
        try scene.coordinator.send(.runPlan(Self.plan), to: "worker")
        if again.step < 6 { digests.merge(try scene.digests()) { $1 } }
        #expect(try Self.undisturbed().filter { digests[$0.key] != nil } == digests)
        #expect(try scene.finish().steps == 6)
        #expect(try second.ended() == .completed)
    }

    @Test("what a worker has is handed to another over a connection that breaks, and the run goes on there bit for bit")
    func handover() throws {
        let scene = try Scene()
        let oldFolder = try TemporaryFolder(), newFolder = try TemporaryFolder()
        let (old, register) = try scene.start("old", oldFolder)
        try scene.coordinator.send(.runPlan(Self.plan), to: "old")
        let device = try HandDevice("d", context: scene.context, worker: register.endpoint)
        _ = try device.welcome(samples: 12)
        try scene.publish(1...3, device)

        let (new, standby) = try scene.start("new", newFolder)
        var plan = Self.plan
        plan.predecessor = "old"
        try scene.coordinator.send(.runPlan(plan), to: "new")
        let proxy = try TCPFaultProxy(upstream: standby.endpoint)
        proxy.change { $0.bytesPerSecond = 2000 }
        try scene.coordinator.send(
            .drain(.init(successor: "new", successorEndpoint: proxy.endpoint)), to: "old")
        let isUnderWay = old.waits { if case .handingOver(let done, _) = $0 { done > 0 } else { false } }
        #expect(isUnderWay)
        proxy.resetConnections()
        proxy.change { $0.bytesPerSecond = nil }
        let handedOver = try scene.coordinator.next(from: "new") { body in
            if case .handedOver(let found) = body { found } else { nil }
        }
        #expect(handedOver.messages == 3)
        #expect(proxy.accepted == 2)
        try scene.coordinator.send(.stop(.init(reason: "handed over")), to: "old")
        #expect(try old.ended() == .drained)

        plan.predecessor = ""
        plan.generation = 2
        try scene.coordinator.send(.runPlan(plan), to: "new")
        let returned = try HandDevice("d", context: scene.context, worker: standby.endpoint)
        #expect(try returned.welcome(samples: 12).settled == [1...3])
        try scene.publish([4], returned)
        #expect(try scene.digests(from: "new")[6] == Self.undisturbed()[6])
        #expect(try scene.finish("new").steps == 6)
        #expect(try new.ended() == .completed)
    }
}
