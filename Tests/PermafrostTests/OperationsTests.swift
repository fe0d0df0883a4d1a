import Diagnostics
import Foundation
import Ledger
import Support
import Testing

@Suite("An operator's commands")
struct OperationsTests {
    private static let key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

    private static let plan =
        #"{"bottleneck":"uplink of gateway-1","reason":"1 device has another cut","worker":"worker-0"}"#

    private static func state(in folder: URL) -> String { folder.appendingPathComponent("state/coordinator").path }

    /// A coordinator's ledger in the middle of a run, in the default folder.
    private func withRun(_ body: (URL, Ledger) throws -> Void) throws {
        try Fixtures.withTemporaryFolder { folder in
            let ledger = try Ledger(folder: Self.state(in: folder), access: .coordinator)
            let run = RecordedRun(id: "movies-1", recipeName: "movies", recipe: "seed: 7\n", seed: 7)
            let devices = (0..<3).map {
                DeviceRecord(run: "movies-1", id: "gateway-\($0)", number: $0, samples: 40, state: .publishing, cut: 6)
            }
            let worker = WorkerRecord(
                run: "movies-1", id: "worker-0", endpoint: "tcp://10.0.0.1:7001", publicKey: "", state: .training,
                session: .max)
            try ledger.record([.runBegan(run)] + devices.map { .deviceJoined($0) } + [.workerJoined(worker)])
            var cursor = CursorRecord(run: "movies-1", device: "gateway-1")
            cursor.settledSamples = 30
            cursor.settledBytes = 1_500_000
            cursor.redelivered = 2
            cursor.roundTripSeconds = 0.0123
            let step = StepRecord(
                run: "movies-1", step: 1, epoch: 1, loss: 0.4312, accuracy: 0.5, learningRate: 2e-4, tokens: 100,
                samples: 2, sampleIDs: [1, 2], adapterDigest: "ab", seconds: 0.5, worker: "worker-0")
            try ledger.record([
                .runState(run: "movies-1", .training, plannedSteps: 600), .cursors([cursor]), .step(step),
                .plan(PlanRecord(run: "movies-1", generation: 1, predictedSeconds: 185, json: Self.plan)),
                .assigned(
                    AssignmentRecord(
                        run: "movies-1", generation: 1, device: "gateway-1", worker: "worker-0", cut: 9,
                        creditBytes: 8_000_000, reason: "its uplink is slow")),
                .event(
                    EventRecord(run: "movies-1", level: .warning, role: "device", source: "gateway-2", text: "is away")),
            ])
            try body(folder, ledger)
        }
    }

    @Test(
        "a role that nobody answers leaves after its patience, with its number and what to do",
        arguments: ["device", "worker"])
    func patience(role: String) throws {
        try Fixtures.withTemporaryFolder { folder in
            let endpoint = "tcp://127.0.0.1:\(try FreePorts.take(1)[0])"
            let outcome = try Program.run(
                [role, "--id", "\(role)-1", "--coordinator", endpoint, "--insecure", "--patience", "1"], in: folder)
            #expect(outcome.exitCode == ExitCode.coordinatorLost.rawValue)
            #expect(outcome.errors.hasPrefix("error 56: No coordinator was heard of at \(endpoint) for 1 s\n  → "))
        }
    }

    @Test("run ls and run info say how a run stands, what its plan is and why, and what to do next")
    func information() throws {
        try withRun { folder, _ in
            let list = try Program.run(["run", "ls"], in: folder).output
            #expect(list.contains("movies-1  training  1/600  movies"))
            let text = try Program.run(["run", "info"], in: folder).output
            for part in [
                "training", "step 1/600  loss 0.4312", "verified, 1 step", "3 publishing", "30 of 120 samples",
                "worker-0 at tcp://10.0.0.1:7001: training", "generation 1, made ", "1 device has another cut",
                "3:05 from its begin, ends ", "waits for  uplink of gateway-1", "its uplink is slow",
                "permafrost top",
            ] {
                #expect(text.contains(part), "\(part) is not in\n\(text)")
            }
            let json = try JSON(Program.run(["run", "info", "movies-1", "--format", "json"], in: folder).output)
            #expect(try json.inner("run").text("state") == "training")
            #expect(try json.number("verified_steps") == 1)
            #expect(try json.inner("progress").number("settled_samples") == 30)
            let plan = try json.inner("plan")
            #expect(try plan.number("generation") == 1 && plan.number("predicted_seconds") == 185)
            #expect(try plan.text("bottleneck") == "uplink of gateway-1" && plan.text("worker") == "worker-0")
            #expect(try plan.number("predicted_end") == json.inner("run").number("begun") + 185)
            #expect(try json.count("plans") == 1)
        }
    }

    @Test("what strangers tried is counted by role and reason, and what they wrote leaves the terminal alone")
    func strangers() throws {
        try withRun { folder, ledger in
            let line = "refused 12 handshakes: The key is not enrolled; the last by \u{1B}[2J10.0.0.9"
            try ledger.record([
                .refusals(
                    RefusalRecord(
                        run: "movies-1", role: "worker", source: "worker-0", handshakes: 12, messages: 1234,
                        reasons: ["unknownKey": 12, "malformedHeader": 1230, "foreignSender": 4])),
                .event(
                    EventRecord(
                        run: "movies-1", level: .warning, role: "worker", source: "worker-0", text: line)),
            ])
            let text = try Program.run(["run", "info"], in: folder).output
            let reasons = "(malformedHeader 1,230, unknownKey 12, foreignSender 4)"
            #expect(text.contains("refused    by worker-0: 12 handshakes, 1,234 messages  \(reasons)\n"), "\(text)")
            let json = try JSON(Program.run(["run", "info", "--format", "json"], in: folder).output)
            #expect(try json.count("refusals") == 1)
            let workers = try Program.run(["workers", "ls"], in: folder).output.split(separator: "\n")
            #expect(
                workers.last?.split(separator: " ") == [
                    "worker-0", "training", "-", "1", "1,246", "tcp://10.0.0.1:7001",
                ])
            let rows = try Program.run(["workers", "ls", "--format", "json"], in: folder).output
            #expect(rows.contains(#""refused" : 1246"#) && rows.contains(#""id" : "worker-0""#), "\(rows)")
            let logs = try Program.run(["run", "logs"], in: folder).output
            #expect(logs.contains("the last by \u{FFFD}[2J10.0.0.9\n") && !logs.contains("\u{1B}"))
        }
    }

    @Test("run info says what the stages and F0 take, as text and as JSON")
    func compute() throws {
        try withRun { folder, ledger in
            func stage(_ first: Int, weights: Double) -> PipelineSummary.Stage {
                PipelineSummary.Stage(
                    blocks: [first, first + 2], bubble: 0.041, forwardSeconds: 0.0123, backwardInputSeconds: 0.02,
                    backwardWeightsSeconds: weights, stashedMicroBatches: 3, stashedBytes: 4_200_000)
            }
            let pipeline = PipelineSummary(
                schedule: "zb-h1", predictedBubble: 0.03, measuredBubble: 0.041,
                stages: [stage(7, weights: 0.001), stage(10, weights: 0)])
            try ledger.record([
                .compute(
                    ComputeRecord(run: "movies-1", worker: "worker-0", frozenForwardSeconds: 0.05, pipeline: pipeline))
            ])
            let text = try Program.run(["run", "info"], in: folder).output
            for line in [
                "F0         50.0 ms a message, on worker-0",
                "pipeline   zb-h1, bubble 4.1 %, predicted 3.0 %, on worker-0",
                "stage 1  blocks 7-9, bubble 4.1 %, F 12.3 ms, B 20.0 ms, W 1.0 ms, "
                    + "3 micro-batches with 4.2 MB between F and W",
                "stage 2  blocks 10-12, bubble 4.1 %, F 12.3 ms, B+W 20.0 ms, 3 micro-batches",
            ] {
                #expect(text.contains(line), "\(line) is not in\n\(text)")
            }
            let json = try Program.run(["run", "info", "--format", "json"], in: folder).output
            #expect(json.contains(#""frozen_forward_seconds" : 0.05"#) && json.contains(#""stashed_bytes" : 4200000"#))
        }
    }

    @Test("run info says who computes which share of the steps, and workers ls who is a replica")
    func shares() throws {
        try withRun { folder, ledger in
            #expect(try !Program.run(["run", "info"], in: folder).output.contains("shares"))
            let replica = WorkerRecord(
                run: "movies-1", id: "worker-1", endpoint: "tcp://10.0.0.2:7001", publicKey: "", state: .replica,
                session: 1)
            try ledger.record([
                .workerJoined(replica),
                .shares([
                    ShareRecord(run: "movies-1", worker: "worker-0", microBatches: 3000),
                    ShareRecord(run: "movies-1", worker: "worker-1", microBatches: 1000),
                ]),
            ])
            let text = try Program.run(["run", "info"], in: folder).output
            #expect(text.contains("shares     worker-0 75 %, worker-1 25 % of 4,000 micro-batches"), "\(text)")
            #expect(text.contains("worker-1 at tcp://10.0.0.2:7001: replica"), "\(text)")
            let json = try Program.run(["run", "info", "--format", "json"], in: folder).output
            #expect(json.contains(#""micro_batches" : 1000"#))
            let workers = try Program.run(["workers", "ls"], in: folder).output.split(separator: "\n")
            #expect(workers.contains { $0.split(separator: " ").starts(with: ["worker-1", "replica"]) }, "\(workers)")
        }
    }

    @Test("run info names each pipeline's workers and share, and workers ls everybody's place and the newest step")
    func pipelines() throws {
        try withRun { folder, ledger in
            for id in ["worker-1", "worker-2"] {
                try ledger.record([
                    .workerJoined(
                        WorkerRecord(
                            run: "movies-1", id: id, endpoint: "tcp://10.0.0.2:7001", publicKey: "", state: .replica,
                            session: 1))
                ])
            }
            let plan =
                #"{"pipelines": [["worker-0", "worker-2"], ["worker-1"]], "reason": "new", "worker": "worker-0"}"#
            try ledger.record([
                .plan(PlanRecord(run: "movies-1", generation: 90, predictedSeconds: nil, json: plan)),
                .shares([
                    ShareRecord(run: "movies-1", worker: "worker-0", microBatches: 3000),
                    ShareRecord(run: "movies-1", worker: "worker-1", microBatches: 1000),
                ]),
            ])
            let text = try Program.run(["run", "info"], in: folder).output
            let shares = "replica 1 (worker-0, worker-2) 75 %, replica 2 (worker-1) 25 % of 4,000 micro-batches"
            #expect(text.contains("shares     \(shares)"), "\(text)")
            let workers = try Program.run(["workers", "ls"], in: folder).output.split(separator: "\n")
            for (id, place) in [("worker-1", "replica 2 stage 1"), ("worker-2", "replica 1 stage 2")] {
                #expect(workers.contains { $0.hasPrefix(id) && $0.contains(place) }, "\(workers)")
            }
            let newest = try #require(try ledger.state(of: "movies-1").newestStep)
            let step = workers.first { $0.hasPrefix(newest.worker) }
            #expect(step?.contains(" replica 1 stage 1 ") == true, "\(workers)")
            #expect(step?.split(separator: " ").contains("\(newest.step)") == true, "\(workers)")
        }
    }

    @Test("top shows each device's figures, once when it is piped")
    func top() throws {
        try withRun { folder, _ in
            let text = try Program.run(["top"], in: folder).output
            #expect(text.hasPrefix("movies-1  training  step 1/600  loss 0.4312"))
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("gateway-1") })
            let cells = line.split(separator: " ").map(String.init)
            #expect(cells.starts(with: ["gateway-1", "publishing", "9"]))
            #expect(line.contains("1.5 MB") && line.contains("  10  ") && line.contains("12.3 ms"))
            let json = try JSON(Program.run(["top", "--format", "json"], in: folder).output)
            #expect(try json.count("devices") == 3)
        }
    }

    @Test("run logs prints events, and with --follow until the run has ended")
    func logs() throws {
        try withRun { folder, ledger in
            let program = try Program(["run", "logs", "--follow", "--format", "json"], in: folder)
            let first = try #require(program.line(beginningWith: "{"))
            #expect(try JSON(first).text("text") == "is away")
            let event = EventRecord(run: "movies-1", level: .info, role: "device", source: "gateway-2", text: "is back")
            try ledger.record([.event(event), .ended(run: "movies-1", .completed, exitCode: 0, reason: "all is done")])
            let rest = try program.finish()
            #expect(rest.exitCode == 0 && rest.output.contains("is back"))
            let text = try Program.run(["run", "logs"], in: folder).output
            #expect(text.contains("warning  device gateway-2  is away\n"))
        }
    }

    @Test("run stop and workers drain are orders that the coordinator finds")
    func orders() throws {
        try withRun { folder, ledger in
            #expect(try Program.run(["workers", "drain", "worker-0"], in: folder).exitCode == 0)
            #expect(try Program.run(["run", "stop"], in: folder).output.contains("run logs movies-1 --follow"))
            #expect(try Program.run(["run", "info"], in: folder).output.contains("drain worker-0, not taken yet"))
            let orders = try ledger.waitingOrders()
            #expect(orders.map(\.kind) == [.drain, .stop] && orders.map(\.target) == ["worker-0", "movies-1"])
            #expect(try Program.run(["workers", "ls"], in: folder).output.contains("worker-0  training"))
        }
    }

    @Test("devices enroll works before any coordinator was started, and revoke undoes it")
    func keys() throws {
        try Fixtures.withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("gateway-7.pub")
            try "public-key = \(Self.key)\n".write(to: file, atomically: true, encoding: .utf8)
            let enrolled = try Program.run(["devices", "enroll", "gateway-7", "--key", file.path], in: folder)
            #expect(enrolled.exitCode == 0, "\(enrolled.errors)")
            let ledger = try Ledger(folder: Self.state(in: folder), access: .coordinator)
            #expect(try ledger.keys().map(\.publicKey) == [Self.key] && ledger.keysVersion() == 1)
            #expect(try Program.run(["devices", "ls"], in: folder).output.contains(Self.key))
            let taken = try Program.run(["devices", "enroll", "gateway-8", "--key", file.path], in: folder)
            #expect(taken.exitCode == ExitCode.ledgerRefused.rawValue && taken.errors.contains("device gateway-7"))
            #expect(try Program.run(["devices", "revoke", "gateway-7"], in: folder).exitCode == 0)
            #expect(try ledger.keys().allSatisfy { $0.revoked != nil } && ledger.keysVersion() == 2)
            let unknown = try Program.run(["devices", "revoke", "gateway-1"], in: folder)
            #expect(unknown.exitCode == ExitCode.notInLedger.rawValue && unknown.errors.contains("did you mean"))
            try "x".write(to: file, atomically: true, encoding: .utf8)
            let bad = try Program.run(["devices", "enroll", "x", "--key", file.path], in: folder)
            #expect(bad.exitCode == ExitCode.keyRefused.rawValue && bad.errors.contains(file.path))
        }
    }

    @Test("no ledger, no run, an unknown run and a damaged ledger end with their numbers")
    func errors() throws {
        try Fixtures.withTemporaryFolder { folder in
            for command in ["run ls", "top", "run stop", "workers drain w", "devices revoke d"] {
                let outcome = try Program.run(command.split(separator: " ").map(String.init), in: folder)
                #expect(outcome.exitCode == ExitCode.ledgerUnusable.rawValue, "\(command): \(outcome.errors)")
                #expect(outcome.errors.contains("state/coordinator") && outcome.errors.contains("--state"))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
        try withRun { folder, _ in
            let unknown = try Program.run(["run", "info", "movie-1"], in: folder)
            #expect(unknown.exitCode == ExitCode.notInLedger.rawValue && unknown.errors.contains("movies-1"))
            let head = folder.appendingPathComponent("state/coordinator/ledger.head")
            try Data().write(to: head)
            let json = try JSON(Program.run(["run", "ls", "--format", "json"], in: folder).output)
            #expect(try json.inner("error").number("code") == Double(ExitCode.ledgerDamaged.rawValue))
            #expect(try json.inner("error").text("problem").contains("ledger.head"))
        }
    }
}
