import Diagnostics
import Foundation
import Ledger
import Monitoring
import Support
import Synchronization
import Testing

@testable import Runs

@Suite("A run as it is told over HTTP")
struct MonitoredRunTests {
    private static let run = "movies-1"

    /// A ledger with a run in which a worker of two stages has taken so many steps.
    private func withLedger(devices: Int = 4, steps: Int = 3, _ body: (String, Ledger) async throws -> Void)
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ledger = try Ledger(folder: folder, access: .coordinator)
        try ledger.record([
            .runBegan(RecordedRun(id: Self.run, recipeName: "movies", recipe: "seed: 7\n", seed: 7)),
            .runState(run: Self.run, .training, plannedSteps: 1000),
        ])
        try ledger.record(
            (0..<devices).map {
                .deviceJoined(
                    DeviceRecord(
                        run: Self.run, id: "gateway-\($0)", number: $0, samples: 40,
                        state: $0 == 0 ? .away : .publishing, cut: $0 < 2 ? 6 : 3))
            })
        try ledger.record([
            .workerJoined(
                WorkerRecord(
                    run: Self.run, id: "worker-1", endpoint: "tcp://w:1", publicKey: "", state: .training, session: 1)),
            .workerJoined(
                WorkerRecord(
                    run: Self.run, id: "worker-2", endpoint: "tcp://w:2", publicKey: "", state: .drained, session: 2)),
            .plan(
                PlanRecord(
                    run: Self.run, generation: 1, predictedSeconds: nil,
                    json: #"{"worker":"worker-1","reason":"all are here","pipelines":[["worker-1"],["worker-3"]]}"#)),
            .cursors([Self.cursor("gateway-1"), Self.cursor("gateway-2")]),
            .queue(
                QueueRecord(
                    run: Self.run, worker: "worker-1", messages: 5, bytes: 900, capacityBytes: 1000, isFull: false,
                    oldestAgeSeconds: 2.5, receivedBytes: 700, sentBytes: 60, codecBytes: ["int8": 500])),
            .stages(
                (0..<2).map {
                    StageRecord(
                        run: Self.run, worker: "worker-1", stage: $0, step: 3,
                        operations: [.init(op: .forward, microBatch: 1, startSeconds: 0.25, endSeconds: 0.5)])
                }),
            .event(EventRecord(run: Self.run, level: .info, role: "worker", source: "worker-1", text: "is here")),
            .event(EventRecord(run: Self.run, level: .warning, role: "device", source: "gateway-0", text: "is away")),
        ])
        try ledger.record((1...max(1, steps)).map { .step(Self.step($0)) })
        try await body(folder, ledger)
    }

    private static func cursor(_ device: String) -> CursorRecord {
        var cursor = CursorRecord(run: run, device: device)
        (cursor.settledSamples, cursor.settledMessages, cursor.settledBytes) = (10, 5, 100)
        (cursor.creditBytes, cursor.redelivered) = (64, 1)
        return cursor
    }

    private static func step(_ number: Int, digest: String = "ab") -> StepRecord {
        StepRecord(
            run: run, step: number, epoch: 1, loss: 1 / Double(number), accuracy: 0.5, learningRate: 2e-4, tokens: 100,
            samples: 2, sampleIDs: [1, 2], adapterDigest: digest, seconds: 0.5, worker: "worker-1")
    }

    private static func json(_ value: some Encodable) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(jsonText(value).utf8)) as? [String: Any])
    }

    @Test("the state has every part of the contract, under its names")
    func contract() async throws {
        try await withLedger { folder, _ in
            let snapshot = try await RunReader(folder: folder, run: Self.run).snapshot()
            let state = try Self.json(MonitoredRun(snapshot))
            #expect(
                Set(state.keys) == [
                    "version", "time", "run", "history", "pipeline", "queue", "devices", "workers", "wire", "events",
                ])
            let run = try #require(state["run"] as? [String: Any])
            #expect(run["recipe"] as? String == "movies" && run["state"] as? String == "training")
            #expect(run["step"] as? Int == 3 && run["planned_steps"] as? Int == 1000)
            #expect(run["ended"] == nil && run["begun"] is Double)
            let pipeline = try #require(state["pipeline"] as? [String: Any])
            let stages = try #require(pipeline["stages"] as? [[String: Any]])
            #expect(stages.map { $0["stage"] as? Int } == [0, 1] && pipeline["step"] as? Int == 3)
            let operation = try #require((stages[0]["operations"] as? [[String: Any]])?.first)
            #expect(operation["op"] as? String == "F" && operation["micro_batch"] as? Int == 1)
            #expect(operation["start_seconds"] as? Double == 0.25 && operation["end_seconds"] as? Double == 0.5)
            let queue = try #require(state["queue"] as? [String: Any])
            #expect(queue["messages"] as? Int == 5 && queue["bytes"] as? Int == 900 && queue["full"] as? Bool == false)
            #expect(queue["oldest_age_seconds"] as? Double == 2.5 && queue["credits_bytes"] as? Int == 128)
            let wire = try #require(state["wire"] as? [String: Any])
            #expect(wire["received_bytes"] as? Int == 700 && wire["by_codec"] as? [String: Int] == ["int8": 500])
            let events = try #require(state["events"] as? [[String: Any]])
            #expect(events.map { $0["source"] as? String } == ["gateway-0", "worker-1"])
        }
    }

    @Test("devices are told by class, one by one only page by page, also when there are thousands")
    func devices() async throws {
        try await withLedger(devices: 3000) { folder, _ in
            let snapshot = try await RunReader(folder: folder, run: Self.run).snapshot()
            let all = MonitoredDevices(DeviceFigures.rows(snapshot.state), now: snapshot.time)
            #expect(all.total == 3000 && all.byState == ["away": 1, "publishing": 2999])
            #expect(all.classes.map(\.cut) == [3, 6] && all.classes.map(\.count) == [2998, 2])
            #expect(all.classes.map(\.lagSamples) == [2998 * 40 - 10, 70] && all.classes.map(\.redelivered) == [1, 1])
            #expect(jsonText(MonitoredRun(snapshot)).utf8.count < 8000)
            var page = Site.DevicePage()
            (page.cut, page.offset, page.limit) = (3, 2900, 200)
            let list = MonitoredDeviceList(DeviceFigures.rows(snapshot.state), page)
            #expect(list.total == 2998 && list.devices.count == 98)
            #expect(list.devices.first?.id == "gateway-2902")
            page = Site.DevicePage()
            page.state = "away"
            #expect(MonitoredDeviceList(DeviceFigures.rows(snapshot.state), page).devices.map(\.id) == ["gateway-0"])
        }
    }

    @Test("when nothing is written, what was read stays, and only its time goes on")
    func standstill() async throws {
        try await withLedger { folder, ledger in
            let clock = Mutex(1000.0)
            let reader = RunReader(folder: folder, run: Self.run, interval: .zero) { clock.withLock { $0 } }
            let first = try await reader.snapshot()
            clock.withLock { $0 = 1004 }
            let second = try await reader.snapshot()
            #expect(second.number == first.number && second.time == 1000)
            clock.withLock { $0 = 1005 }
            let third = try await reader.snapshot()
            #expect(third.number == first.number + 1 && third.time == 1005)
            clock.withLock { $0 = 900 }
            #expect(try await reader.snapshot().time == 900)
            try ledger.record([.step(Self.step(4))])
            let last = try await reader.snapshot()
            #expect(last.number == first.number + 3 && MonitoredRun(last).run.step == 4)
        }
    }

    @Test("workers say where they take part, and whether they can be drained")
    func workers() async throws {
        try await withLedger { folder, _ in
            let workers = MonitoredRun(try await RunReader(folder: folder, run: Self.run).snapshot()).workers
            #expect(workers.map(\.id) == ["worker-1", "worker-2"] && workers.map(\.canDrain) == [true, false])
            #expect(workers.map(\.replica) == [0, nil] && workers.map(\.stage) == [0, nil])
        }
    }

    @Test("a long history is thinned evenly, with its first and its newest step, and read anew when steps are void")
    func history() async throws {
        try await withLedger(steps: 1000) { _, ledger in
            var history = StepHistory()
            try history.follow(Self.run, in: ledger)
            #expect(history.points.count == 1000 && history.tokens == 100_000)
            let thinned = history.thinned
            #expect(thinned.count == StepHistory.mostPoints)
            #expect(thinned.first?.step == 1 && thinned.last?.step == 1000)
            let gaps = zip(thinned.dropFirst(), thinned).map { $0.step - $1.step }
            #expect(Set(gaps).isSubset(of: [4, 5]), "\(Set(gaps))")
            try ledger.record([.step(Self.step(400, digest: "other"))])
            try history.follow(Self.run, in: ledger)
            #expect(history.points.map(\.step) == Array(1...400) && history.tokens == 40_000)
        }
    }

    @Test("the coordinator's metrics are those of the ledger, and name no device")
    func metrics() async throws {
        try await withLedger { folder, ledger in
            let metrics = CoordinatorMetrics()
            metrics.take(try await RunReader(folder: folder, run: Self.run).snapshot())
            func text() -> String { MetricsText.openMetrics.text(metrics.families) }
            for line in [
                "permafrost_run_state{state=\"training\"} 1.0", "permafrost_run_state{state=\"failed\"} 0.0",
                "permafrost_train_tokens_total 300.0", "permafrost_train_step_duration_seconds_count 3",
                "permafrost_devices{state=\"publishing\"} 3.0", "permafrost_devices_connected 3.0",
                "permafrost_messages_applied_total 10.0", "permafrost_queue_oldest_age_seconds 2.5",
            ] { #expect(text().contains(line + "\n"), "\(line) is not in\n\(text())") }
            #expect(!text().contains("gateway"))
        }
    }

    @Test("the documented metrics are those that there are; PERMAFROST_RECORD=1 writes them anew")
    func documentation() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/monitoring.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let start = try #require(text.range(of: "| metric | kind |")).lowerBound
        let end = text.range(of: "\n\n", range: start..<text.endIndex)?.lowerBound ?? text.endIndex
        if ProcessInfo.processInfo.environment["PERMAFROST_RECORD"] != nil {
            try text.replacingCharacters(in: start..<end, with: MetricCatalogue.documentation)
                .write(to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(text[start..<end] == MetricCatalogue.documentation)
        }
    }
}
