import Coordinator
import Datasets
import Device
import Ledger
import Methods
import Queueing
import Testing
import Wire
import Worker

/// A run whose roles may go and come back: on disks, and with checkpoints.
struct DistributedRun {
    let run: TinyRun
    /// Of the worker that has trained last.
    private(set) var training: TinyTraining
    /// Makes what the next worker trains; nil for the model's usual.
    var makeTrainer: (@Sendable () throws -> Trainer)?
    private let gate: StepGate?
    private let order: TrainingOrder

    /// - Parameter gate: where the worker's training waits.
    init(
        _ transport: Ground.Transport = .tcp, gate: StepGate? = nil, workers: [String] = [],
        timing: ConnectionTiming = Site.timing, order: TrainingOrder = .deterministic, model: TinyModel? = nil,
        configure: (inout Coordinator.Configuration) -> Void = { _ in }
    ) throws {
        run = try TinyRun(
            Ground(storage: .lmdb, transport: transport), TinyShards.planned, model: model, timing: timing
        ) {
            $0.losses = .wait
            $0.silenceLimit = .seconds(5)
            configure(&$0)
        }
        try run.site.enroll(workers, as: .worker)
        self.gate = gate
        self.order = order
        training = TinyTraining(run.model, folder: run.site.folder(of: "worker"), gate: gate)
    }

    /// Starts a worker on the folder that it has had before, if any.
    mutating func startWorker(
        _ id: String = "worker", change: (inout TinyRun.WorkerOptions) -> Void = { _ in }
    ) throws {
        let training = TinyTraining(run.model, folder: run.site.folder(of: id), gate: gate, make: makeTrainer)
        self.training = training
        try run.startWorker(id) { options in
            (options.batch, options.order, options.training) = (TinyShards.batch, order, training.role)
            options.heartbeatInterval = .milliseconds(200)
            change(&options)
        }
    }

    /// Ends the worker that was started last, like `kill -9`.
    func killWorker(_ id: String = "worker") -> Bool { run.roles.kill(id) { training.die() } }

    func startDevice(
        _ id: String, coordinator: String? = nil,
        configure: @escaping @Sendable (inout DeviceConfiguration) -> Void = { _ in }
    ) throws {
        try run.startDevice(id, examples: TinyShards.shards[id] ?? [], coordinator: coordinator) {
            $0.heartbeatInterval = .milliseconds(200)
            configure(&$0)
        }
    }

    /// Expects that the run ends by itself, with what an undisturbed one has trained.
    func expectUndisturbed() throws {
        guard case .completed(let totals) = try run.outcome() else {
            Issue.record("\(run.events.all)")
            return
        }
        #expect(totals.steps == UInt64(TinyShards.steps))
        #expect(try training.adapters == TinyShards.adapters.get())
        let ledger = try #require(try run.site.ledger(.reading))
        try TinyShards.expectEverySampleOnce(in: ledger)
        let digests = Set(try ledger.steps(of: "run").map(\.adapterDigest))
        #expect(digests.count == TinyShards.steps)
    }
}
