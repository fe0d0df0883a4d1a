import Datasets
import Dispatch
import Foundation
import Methods
import Synchronization
import Wire
import Worker

/// What a worker trains with, and its checkpoints on a disk: the step, and all that the next step depends on.
final class TinyTraining: Sendable {
    private let folder: URL
    private let gate: StepGate?
    private let make: @Sendable () throws -> Trainer
    private let newest = Mutex<Trainer?>(nil)
    /// What the steps of the epoch under way have trained.
    private let epochSamples = Mutex<(epoch: UInt32, ids: [UInt64])>((0, []))
    private let isDead = Atomic(false)

    /// Steps between checkpoints.
    static let checkpointSteps: UInt64 = 3

    /// - Parameters:
    ///   - gate: where training waits after a step.
    ///   - make: makes what trains; nil for the model's usual.
    init(_ model: TinyModel, folder: URL, gate: StepGate?, make: (@Sendable () throws -> Trainer)? = nil) {
        self.make = make ?? { try model.trainer() }
        self.folder = folder
        self.gate = gate
    }

    /// Keeps nothing from here on, like a process that is no more.
    func die() {
        isDead.store(true, ordering: .releasing)
        gate?.open()
    }

    /// The adapters as they are now.
    var adapters: [Float] { newest.withLock { $0 }?.parameters.flat.values ?? [] }

    var role: WorkerTraining {
        WorkerTraining(
            begin: { [self] _ in try begin() },
            usedSamples: { [self] in epochSamples.withLock(\.ids) },
            afterStep: { [self] report, unrecorded in
                epochSamples.withLock { past in
                    if report.epoch != past.epoch { past = (report.epoch, []) }
                    past.ids += report.sampleIDs
                }
                if report.step % Self.checkpointSteps == 0 { try write(unrecorded) }
                gate?.passed(Int(report.step))
                if isDead.load(ordering: .acquiring) { throw Death() }
            },
            checkpoint: { [self] unrecorded in
                try write(unrecorded)
                return writtenStep == 0 ? nil : (writtenStep, files)
            },
            adopt: { [self] _, aside in
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                for (name, file) in files {
                    try Data(contentsOf: aside.appendingPathComponent(name)).write(to: file, options: .atomic)
                }
            },
            checkpointStep: { [self] in writtenStep })
    }

    private var values: URL { folder.appendingPathComponent("values") }
    private var reports: URL { folder.appendingPathComponent("reports") }
    private var used: URL { folder.appendingPathComponent("used") }
    private var files: [(name: String, url: URL)] { [("used", used), ("reports", reports), ("values", values)] }

    private var written: [Float] {
        (try? Data(contentsOf: values)).map { data in data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } }
            ?? []
    }

    private var writtenStep: Int { written.first.map { Int($0) } ?? 0 }

    private func begin() throws -> WorkerTraining.Start {
        let trainer = try make()
        let floats = written
        if let step = floats.first {
            var start = 1
            for state in trainer.state {
                let flat = state.values.flat
                for index in 0..<flat.count { flat.base[index] = floats[start + index] }
                start += flat.count
            }
            trainer.resume(afterStep: Int(step))
            let ids = try Data(contentsOf: used).withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
            let next = StepPosition(after: Int(step), samples: TinyShards.samples, batchSize: TinyShards.batch)
            epochSamples.withLock { $0 = (UInt32(next.epoch), next.batch == 0 ? [] : ids) }
        }
        newest.withLock { $0 = trainer }
        return (trainer, try StepReportList.decode((try? Data(contentsOf: reports)).map { [UInt8]($0) } ?? []))
    }

    private func write(_ unrecorded: [Body.StepReport]) throws {
        if isDead.load(ordering: .acquiring) { throw Death() }
        guard let trainer = newest.withLock({ $0 }), trainer.step > 0 else { return }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let floats = [Float(trainer.step)] + trainer.state.flatMap(\.values.flat.values)
        try Data(StepReportList.encode(unrecorded)).write(to: reports, options: .atomic)
        try epochSamples.withLock(\.ids).withUnsafeBytes { try Data($0).write(to: used, options: .atomic) }
        try floats.withUnsafeBytes { try Data($0).write(to: values, options: .atomic) }
    }
}

/// What a dead process says, if it could.
private struct Death: Error {}

/// Holds training after a step until it is opened, or after every step from there on.
final class StepGate: Sendable {
    private let step: Int
    private let isEvery: Bool
    private let isOpen = Atomic(false)
    private let arrival = DispatchSemaphore(value: 0)
    private let way = DispatchSemaphore(value: 0)

    init(after step: Int, andEvery isEvery: Bool = false) { (self.step, self.isEvery) = (step, isEvery) }

    func passed(_ step: Int) {
        guard isEvery ? step >= self.step && !isOpen.load(ordering: .acquiring) : step == self.step else { return }
        arrival.signal()
        way.wait()
        if !isEvery { way.signal() }
    }

    /// Lets one more step be taken.
    func letOne() { way.signal() }

    /// Whether training comes there within half a minute.
    func holds() -> Bool { arrival.wait(timeout: .now() + 30) == .success }

    func open() {
        isOpen.store(true, ordering: .releasing)
        way.signal()
    }
}
