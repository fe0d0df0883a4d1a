import Coordinator
import Datasets
import Device
import Foundation
import Methods
import Models
import Queueing
import Randomness
import Support
import Synchronization
import Tensors
import Wire
import Worker

/// What all roles of a run share in these tests: a tiny random model of 4 blocks, of which 2 are frozen, and shards.
final class TinyRun: Sendable {
    static let endpoints = ["inproc://", "tcp://127.0.0.1:*"]
    static let frozenBlocks = 2

    let context: ZeroMQContext
    let forward: FrozenForward
    let trainer: Trainer
    let pool = ComputePool(threads: 2)
    let roles = RoleThreads()
    private let transport: String

    init(transport: String) throws {
        self.transport = transport
        context = try ZeroMQContext()
        let model = try LanguageModel(source: RandomModelSource(), maximumTokens: 32)
        forward = FrozenForward(model: model)
        let layout = TrainableLayout.adapters(
            model.hyperparameters, blocks: Self.frozenBlocks..<4, rank: 2, alpha: 4)
        trainer = Trainer(
            model: model, head: try OutputHead(model: model, labelTokens: [3, 7]),
            parameters: try TrainableParameters(layout: layout, model: model, seed: 5),
            frozenBlocks: Self.frozenBlocks,
            optimizer: AdamW(layout: layout, coefficients: AdamWCoefficients(), clipNorm: 1),
            schedule: LearningRateSchedule(peak: 0.01, warmupSteps: 3, totalSteps: 20, shape: .constant), seed: 5,
            pool: pool)
    }

    /// The same model and trainer, and roles that have nothing of the run before.
    init(resuming run: TinyRun) throws {
        transport = run.transport
        context = try ZeroMQContext()
        forward = run.forward
        trainer = run.trainer
    }

    /// Where a role waits: `name` within the process, any free port over TCP.
    func endpoint(_ name: String) -> String { transport.hasPrefix("inproc") ? "inproc://\(name)" : transport }

    static func shard(_ device: String, count: Int) -> [EncodedExample] {
        var generator = SeededGenerator(seed: 8, stream: "shard/\(device)")
        return (0..<count).map { _ in
            let tokens = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                Int32.random(in: 0..<50, using: &generator)
            }
            return EncodedExample(tokens: tokens, label: Int(tokens[0] % 2))
        }
    }

    func coordinator(
        _ devices: [Coordinator.Configuration.PlannedDevice], silenceLimit: Duration = .seconds(60), epoch: Int = 1
    ) throws -> Coordinator {
        try Coordinator(
            Coordinator.Configuration(
                run: "run", endpoint: endpoint("coordinator"), devices: devices, seed: 7, silenceLimit: silenceLimit,
                epoch: epoch),
            context: context)
    }

    func startWorker(
        coordinator: String, creditBytes: Int = 4096, epochs: Int = 2, batch: Int = 8,
        targetLimit: Int = 2, startStep: Int = 0, heartbeatInterval: Duration = .seconds(1),
        store: (any ActivationStore)? = nil
    ) {
        var configuration = Worker.Configuration(
            run: "run", id: "worker", coordinatorEndpoint: coordinator, deviceEndpoint: endpoint("worker"),
            epochs: epochs, batch: batch, microBatch: 3, frozenBlocks: Self.frozenBlocks,
            targetLimit: targetLimit, maximumTokens: 16, creditBytesPerDevice: creditBytes, startStep: startStep)
        configuration.heartbeatInterval = heartbeatInterval
        let worker = Worker(
            configuration, context: context, forward: forward, trainer: trainer,
            store: store ?? MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32), pool: pool)
        roles.start("worker") { try worker.run() }
    }

    func startDevice(
        _ id: String, coordinator: String, examples: [EncodedExample], publishBatch: Int = 3
    ) {
        let device = Device(
            Device.Configuration(
                run: "run", id: id, coordinatorEndpoint: coordinator, publishBatch: publishBatch, codec: .f32),
            context: context, examples: examples, forward: forward, pool: pool)
        roles.start(id) { try device.run() }
    }
}

/// The threads of a run's roles, and what they threw.
final class RoleThreads: Sendable {
    private let group = DispatchGroup()
    private let thrown = Mutex<[String: any Error]>([:])

    func start(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
        group.enter()
        let thread = Thread { [self] in
            do { try body() } catch { thrown.withLock { $0[name] = error } }
            group.leave()
        }
        thread.name = name
        thread.start()
    }

    /// Whether all have ended within half a minute.
    func haveEnded() -> Bool { group.wait(timeout: .now() + 30) == .success }

    func error(of name: String) -> (any Error)? { thrown.withLock { $0[name] } }
}
