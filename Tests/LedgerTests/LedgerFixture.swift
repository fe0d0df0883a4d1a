import Diagnostics
import Foundation
import Randomness

@testable import Ledger

/// A folder for a test's ledger, which is removed afterwards.
func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("permafrost-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
}

/// The bytes of a ledger's files as they are at one moment, as after a kill.
struct LedgerFiles: Equatable {
    static let names = ["ledger.sqlite", "ledger.sqlite-wal", "ledger.head"]

    var bytes: [String: [UInt8]]

    init(in folder: URL) {
        bytes = Dictionary(
            uniqueKeysWithValues: Self.names.compactMap { name in
                (try? Data(contentsOf: folder.appendingPathComponent(name))).map { (name, Array($0)) }
            })
    }

    /// Writes the files into an empty folder and gives it to the body.
    func restored(_ body: (URL) throws -> Void) throws {
        try withFolder { folder in
            for (name, bytes) in bytes { try Data(bytes).write(to: folder.appendingPathComponent(name)) }
            try body(folder)
        }
    }
}

/// Everything that a ledger tells.
struct LedgerSnapshot: Equatable {
    var runs: [RecordedRun]
    var states: [RunState]
    var steps: [[StepRecord]]
    var events: [[EventRecord]]
    var orders: [[OrderRecord]]
    var keys: [KeyRecord]
    var keysVersion: Int

    init(_ ledger: Ledger) throws {
        try ledger.verify()
        runs = try ledger.runs()
        states = try runs.map { try ledger.state(of: $0.id) }
        steps = try runs.map { try ledger.steps(of: $0.id) }
        events = try runs.map { try ledger.events(of: $0.id) }
        orders = try runs.map { try ledger.orders(of: $0.id) }
        keys = try ledger.keys()
        keysVersion = try ledger.keysVersion()
    }
}

/// Entries as a coordinator of two runs, five devices and two workers would record them.
struct Workload {
    static let runs = ["movies-1", "quartz-2"]
    static let devices = 5
    private var generator: SeededGenerator
    private var steps = [0, 0]
    private var generation = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed, stream: "ledger") }

    static func device(_ number: Int) -> String { "gateway-\(number)" }

    static func step(_ step: Int, run: String, ids: [UInt64], digest: String = "ab12") -> StepRecord {
        StepRecord(
            run: run, step: step, epoch: 1, loss: 0.5, accuracy: 0.75, learningRate: 2e-4, tokens: 100,
            samples: ids.count, sampleIDs: ids, adapterDigest: digest, seconds: 0.25, worker: "worker-0")
    }

    /// What a run begins with.
    static func beginning(_ run: String) -> [LedgerEntry] {
        let joined = (0..<devices).map {
            LedgerEntry.deviceJoined(
                DeviceRecord(run: run, id: device($0), number: $0, samples: 40, state: .absent, cut: 6))
        }
        let workers = (0..<2).map {
            LedgerEntry.workerJoined(
                WorkerRecord(
                    run: run, id: "worker-\($0)", endpoint: "tcp://10.0.0.\($0):7001", publicKey: "", state: .training,
                    session: .max - UInt64($0)))
        }
        return [.runBegan(RecordedRun(id: run, recipeName: "movies", recipe: "seed: 7\n", seed: .max))]
            + joined + workers
    }

    /// The next transaction.
    mutating func next() -> [LedgerEntry] {
        let place = Int.random(in: 0..<2, using: &generator)
        let run = Self.runs[place]
        switch Int.random(in: 0..<6, using: &generator) {
        case 0, 1:
            steps[place] += 1
            let ids = (0..<8).map { _ in generator.next() }
            return [.step(Self.step(steps[place], run: run, ids: ids, digest: String(generator.next(), radix: 16)))]
        case 2, 3:
            return [.cursors((0..<Self.devices).map { cursor(run, $0) })]
        case 4:
            generation += 1
            let device = Self.device(Int.random(in: 0..<Self.devices, using: &generator))
            let bytes = Int.random(in: 0..<8, using: &generator) == 0 ? 8_000 : 300
            let json = "{\"why\":\"\(String(repeating: "slow", count: bytes / 4))\"}"
            return [
                .plan(PlanRecord(run: run, generation: generation, predictedSeconds: nil, json: json)),
                .assigned(
                    AssignmentRecord(
                        run: run, generation: generation, device: device, worker: "worker-1",
                        cut: Int.random(in: 0..<12, using: &generator), creditBytes: 1 << 20, reason: "faster so")),
            ]
        default:
            return [
                .event(EventRecord(run: run, level: .info, role: "device", source: "gateway-1", text: "joined é\0")),
                .refusals(
                    RefusalRecord(
                        run: run, role: "worker", source: "worker-0", handshakes: steps[place], messages: generation,
                        reasons: ["unknownKey": steps[place], "malformedHeader": generation])),
                .compute(Self.compute(run, steps: steps[place], seconds: generator.uniform())),
            ]
        }
    }

    static func compute(_ run: String, steps: Int, seconds: Double) -> ComputeRecord {
        let stage = PipelineSummary.Stage(
            blocks: [7, 9], bubble: seconds / 3, forwardSeconds: seconds, backwardInputSeconds: 1e-300,
            backwardWeightsSeconds: 0, stashedMicroBatches: steps, stashedBytes: .max)
        let summary = PipelineSummary(
            schedule: "zb-h1", predictedBubble: 0.1, measuredBubble: 1 / 3, stages: [stage, stage])
        return ComputeRecord(
            run: run, worker: "worker-1", frozenForwardSeconds: steps == 0 ? nil : seconds,
            pipeline: steps == 0 ? nil : summary)
    }

    private mutating func cursor(_ run: String, _ number: Int) -> CursorRecord {
        var cursor = CursorRecord(run: run, device: Self.device(number))
        cursor.settledSamples = Int.random(in: 0..<40, using: &generator)
        cursor.creditBytes = Int.random(in: 0..<(1 << 40), using: &generator)
        cursor.roundTripSeconds = number == 0 ? .nan : generator.uniform()
        cursor.silentSeconds = number == 1 ? -0.0 : generator.uniform()
        return cursor
    }
}
