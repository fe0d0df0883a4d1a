import Diagnostics
import Dispatch
import Experiments
import Foundation
import Randomness
import Recipes
import Runs
import Support
import Synchronization
import Testing

/// Comparisons whose experiments are a formula: what is tested is which are run, kept and written down.
@Suite("Comparisons")
struct ComparisonRunTests {
    private static let recipe = """
        name: side-by-side
        model: {path: model.gguf, frozen_blocks: 24}
        data: {path: data.txt, format: rated-sentences}
        task:
            labels: {negative: " terrible", positive: " great"}
        compare:
            methods: [central, splitfrozen, fedlora]
            imbalances: [iid, one-label-per-device]
            seeds: [5, 6]
            runs_at_once: 1
            fleet: fleet.yaml
            sweep: [3e-4, 1e-3]
            learning_rates: {central: 2e-3}
        """
    private static let fleet = """
        name: pair
        classes:
            board: {like: single-board, count: 2}
        """
    /// Two sweeps of two, and 3 · 2 · 2 runs, of which two were the sweeps'.
    private static let count = 4 + 12 - 2

    private static func result(_ job: ExperimentJob) -> ExperimentResult {
        var chance = SeededGenerator(seed: job.key.seed, stream: job.name)
        let point = ExperimentResult.Point(
            step: 10, tokens: 1000, simulatedSeconds: 100 * chance.uniform(), measuredSeconds: 1, scored: 10,
            accuracy: chance.uniform(), loss: chance.uniform(), bytesUp: 10, bytesDown: 20,
            deviceFLOPs: 1e12 * chance.uniform(), serverFLOPs: 1e12)
        return ExperimentResult(
            key: job.key, learningRate: job.learningRate, majorityRate: 0.5, points: [point],
            devices: [
                .init(
                    deviceClass: "board", samples: 3, cut: 2, flops: 1e9, bytesUp: 1, bytesDown: 2, memoryBytes: 3,
                    computeSeconds: 4, uploadSeconds: 5, downloadSeconds: 6, joules: 7)
            ], bytesByKind: ["up activations": 10])
    }

    private struct Killed: Error {}

    /// A folder with a recipe and a fleet, in which comparisons can be begun.
    private struct Ground {
        let folder: URL

        func recipe(_ overrides: String...) throws -> Recipe {
            try Recipe.parse(
                yaml: ComparisonRunTests.recipe, file: "r.yaml",
                overrides: ["runs=\(folder.path)/runs", "compare.fleet=\(folder.path)/fleet.yaml"] + overrides)
        }

        static func use(_ body: (Ground) throws -> Void) throws {
            try Fixtures.withTemporaryFolder { folder in
                try ComparisonRunTests.fleet.write(
                    to: folder.appendingPathComponent("fleet.yaml"), atomically: true, encoding: .utf8)
                try body(Ground(folder: folder))
            }
        }

        /// Runs until so many experiments have begun, then ends as a kill would: with what is on the disk.
        func kill(_ comparison: ComparisonRun, at number: Int) throws -> String {
            let begun = Atomic(0)
            var path = ""
            #expect(throws: Killed.self) {
                try comparison.run { job, _, _ in
                    begun.add(1, ordering: .relaxed)
                    if begun.load(ordering: .relaxed) == number { throw Killed() }
                    return ComparisonRunTests.result(job)
                } observer: {
                    if case .began(let folder, _, _) = $0 { path = folder }
                }
            }
            return path
        }
    }

    private static func report(_ folder: String) throws -> [String: String] {
        try ["index.html", "results.csv", "devices.csv", "recipe.yaml", "fleet.yaml"].reduce(into: [:]) {
            $0[$1] = try String(contentsOfFile: "\(folder)/report/\($1)", encoding: .utf8)
        }
    }

    @Test("a comparison that is killed before any of its runs ends goes on, runs the rest, and has the same report")
    func killed() throws {
        try Ground.use { ground in
            let whole = try ComparisonRun(ground.recipe()).run { job, _, _ in
                Self.result(job)
            } observer: { _ in
            }
            #expect(whole.comparison.records.count == Self.count)
            let expected = try Self.report(whole.folder)
            for number in 1...Self.count {
                let folder = try ground.kill(ComparisonRun(ground.recipe()), at: number)
                let begun = Atomic(0)
                let again = try ComparisonRun(resuming: folder).run { job, _, _ in
                    begun.add(1, ordering: .relaxed)
                    return Self.result(job)
                } observer: { _ in
                }
                #expect(begun.load(ordering: .relaxed) == Self.count - number + 1)
                #expect(again.folder == folder)
                #expect(try Self.report(folder) == expected, "killed at run \(number)")
            }
        }
    }

    @Test("a result that cannot be read, or is another run's, is run again")
    func damaged() throws {
        try Ground.use { ground in
            let whole = try ComparisonRun(ground.recipe()).run { job, _, _ in
                Self.result(job)
            } observer: { _ in
            }
            let expected = try Self.report(whole.folder)
            let folder = URL(fileURLWithPath: "\(whole.folder)/experiments")
            let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
                .sorted { $0.path < $1.path }
            #expect(files.count == Self.count)
            try Data(contentsOf: files[0]).dropLast(20).write(to: files[0])
            try FileManager.default.removeItem(at: files[1])
            try FileManager.default.moveItem(at: files[2], to: files[1])
            try Data("{}".utf8).write(to: files[3])
            let begun = Atomic(0)
            _ = try ComparisonRun(resuming: whole.folder).run { job, _, _ in
                begun.add(1, ordering: .relaxed)
                return Self.result(job)
            } observer: { _ in
            }
            #expect(begun.load(ordering: .relaxed) == 4)
            #expect(try Self.report(whole.folder) == expected)
        }
    }

    @Test("stopping ends the run under way, keeps what has ended, and says how to go on")
    func stopped() throws {
        try Ground.use { ground in
            let comparison = try ComparisonRun(ground.recipe())
            let begun = Atomic(0)
            #expect {
                _ = try comparison.run { job, shouldStop, _ in
                    begun.add(1, ordering: .relaxed)
                    if begun.load(ordering: .relaxed) == 4 { comparison.stop() }
                    if shouldStop() { throw CancellationError() }
                    return Self.result(job)
                } observer: { _ in
                }
            } throws: { error in
                guard case ComparisonError.interrupted(let folder, done: 3, of: Self.count) = error else {
                    return false
                }
                return (error as? ComparisonError)?.exitCode == .interrupted
                    && (error as? ComparisonError)?.remedy.contains("permafrost resume \(folder)") == true
            }
        }
    }

    @Test("runs at the same time are as many as were asked for, and give the same report")
    func atOnce() throws {
        try Ground.use { ground in
            func tables(_ atOnce: Int, _ experiment: @escaping ComparisonRun.Experiment) throws -> [String: String] {
                let comparison = try ComparisonRun(ground.recipe("compare.runs_at_once=\(atOnce)"))
                let folder = try comparison.run(experiment) { _ in }.folder
                return try Self.report(folder).filter { $0.key != "recipe.yaml" }
            }
            let expected = try tables(1) { job, _, _ in Self.result(job) }
            let begun = Atomic(0), under = Atomic(0), other = DispatchSemaphore(value: 0)
            let found = try tables(2) { job, _, _ in
                #expect(under.add(1, ordering: .relaxed).newValue <= 2)
                // The first two can only come to their ends if both are under way.
                switch begun.add(1, ordering: .relaxed).newValue {
                case 1: other.wait()
                case 2: other.signal()
                default: break
                }
                under.subtract(1, ordering: .relaxed)
                return Self.result(job)
            }
            #expect(found == expected)
        }
    }

    @Test("a run that fails ends those beside it, and the comparison with its error")
    func failed() throws {
        try Ground.use { ground in
            let begun = Atomic(0), other = DispatchSemaphore(value: 0)
            #expect(throws: Killed.self) {
                try ComparisonRun(ground.recipe("compare.runs_at_once=2")).run { _, shouldStop, _ in
                    if begun.add(1, ordering: .relaxed).newValue == 1 {
                        other.wait()
                        throw Killed()
                    }
                    other.signal()
                    while !shouldStop() {}
                    throw CancellationError()
                } observer: { _ in
                }
            }
            #expect(begun.load(ordering: .relaxed) == 2)
        }
    }

    @Test("a run that diverges is written down, and the sweep takes another rate")
    func diverged() throws {
        struct Diverged: NumberedError {
            var exitCode: Diagnostics.ExitCode { .diverged }
            var problem: String { "the loss is not a number" }
            var remedy: String { "Lower it" }
        }
        try Ground.use { ground in
            let outcome = try ComparisonRun(ground.recipe()).run { job, _, _ in
                guard job.learningRate != 1e-3 else { throw Diverged() }
                var result = Self.result(job)
                if job.key.method == "central", job.key.seed == 6 { result.points[0].loss = .nan }
                return result
            } observer: { _ in
            }
            let comparison = outcome.comparison
            for method in comparison.plan.methods where method.isSwept {
                #expect(comparison.plan.chosenRate(of: method, in: comparison.records) == 3e-4)
            }
            #expect(comparison.rows("iid").first { $0.method == "central" }?.diverged == 1)
            let again = try ComparisonRun(resuming: outcome.folder).run { _, _, _ in
                throw Killed()
            } observer: { _ in
            }
            #expect(again.comparison.records == comparison.records)
        }
    }

    @Test("evaluations are told with where the comparison stands and the time that is left")
    func progress() throws {
        try Ground.use { ground in
            var places: [Int] = []
            var estimates = 0
            _ = try ComparisonRun(ground.recipe()).run { job, _, progress in
                let result = Self.result(job)
                progress(result.points[0])
                return result
            } observer: { event in
                guard case .running(let progress) = event, progress.point != nil else { return }
                places.append(progress.done)
                estimates += progress.secondsLeft == nil ? 0 : 1
                #expect(progress.count == Self.count)
            }
            #expect(places == Array(0..<Self.count))
            #expect(estimates == Self.count - 1)
        }
    }

    @Test("the recipe without a fleet, a class that the fleet does not have and a folder of something else are refused")
    func refused() throws {
        try Ground.use { ground in
            #expect(throws: ComparisonError.noFleet(recipe: "side-by-side")) {
                try ComparisonRun(ground.recipe("compare.fleet=null"))
            }
            #expect(throws: ComparisonError.unknownClass(key: "compare.cuts", name: "bord", known: ["board"])) {
                try ComparisonRun(ground.recipe("compare.cuts={bord: 3}"))
            }
            #expect(throws: RunError.self) { try ComparisonRun(resuming: ground.folder.path) }
        }
    }

    @Test("two processes do not work on one comparison")
    func inUse() throws {
        try Ground.use { ground in
            let folder = try ground.kill(ComparisonRun(ground.recipe()), at: 1)
            let first = try ComparisonRun(resuming: folder)
            #expect(throws: RunError.runInUse(path: folder)) { try ComparisonRun(resuming: folder) }
            withExtendedLifetime(first) {}
        }
    }

    @Test("the report is there after every run")
    func alwaysThere() throws {
        try Ground.use { ground in
            let place = Mutex("")
            _ = try ComparisonRun(ground.recipe()).run { job, _, _ in
                let files = try Self.report(place.withLock { $0 })
                #expect(files.values.allSatisfy { !$0.isEmpty })
                return Self.result(job)
            } observer: {
                if case .began(let path, _, _) = $0 { place.withLock { $0 = path } }
            }
            let folder = place.withLock { $0 }
            let json = try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: "\(folder)/report/results.json")))
            let answer = try #require(json as? [String: Any])
            #expect((answer["rows"] as? [Any])?.count == 6)
            #expect((answer["runs"] as? [Any])?.count == Self.count)
        }
    }
}
