import Diagnostics
import Foundation
import Ledger
import Runs
import Support
import Testing

@Suite("A run over HTTP", .serialized)
struct MonitoredCoordinatorTests {
    private static let token = "a-token-for-this-test-alone"

    /// A cluster of which coordinator and workers are served, with a client for each by name.
    private func withCluster(
        _ overrides: [String] = [], workers: Int = 1, _ body: (Cluster, [String: HTTPClient]) throws -> Void
    ) throws {
        try TinyModel.use { tiny in
            let token = tiny.path("token")
            try Data(Self.token.utf8).write(to: token)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: token.path)
            let names = ["coordinator"] + (1...workers).map { "worker-\($0)" } + ["device-1"]
            let ports = Dictionary(uniqueKeysWithValues: zip(names, try FreePorts.take(names.count)))
            func served(_ name: String) -> [String] { ports[name].map { ["--http", "127.0.0.1:\($0)"] } ?? [] }
            let cluster = try Cluster(
                tiny, overrides + served("coordinator") + ["--http-token-file", "token"], workers: workers,
                options: served)
            try body(cluster, ports.mapValues { HTTPClient(port: $0) })
        }
    }

    /// Asks until an answer satisfies the test.
    private func answer(
        _ client: HTTPClient?, _ path: String, within seconds: Int = 60, _ isIt: (HTTPClient.Answer) -> Bool
    ) throws -> HTTPClient.Answer? {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if let answer = try client?.ask("GET", path), isIt(answer) { return answer }
            usleep(20_000)
        }
        return nil
    }

    @Test("state is the ledger's, readiness comes with the role, events tell of steps, metrics pass promtool")
    func wholeRun() throws {
        try withCluster([
            "training.epochs=120", "pipeline.stages=2", "model.frozen_blocks=2", "devices.cuts=[2,2,1,0]",
        ]) { cluster, clients in
            let coordinator = try #require(clients["coordinator"])
            cluster.start([cluster.coordinator])
            #expect(try answer(coordinator, "/readyz") { $0.status == 200 } != nil, "\(cluster.logs)")
            cluster.start(cluster.workers + cluster.devices)
            for name in ["worker-1", "device-1"] {
                #expect(try answer(clients[name], "/readyz") { $0.status == 200 } != nil, "\(name)\n\(cluster.logs)")
                #expect(try clients[name]?.get("/healthz") == "ok\n")
            }
            let event = coordinator.event("/api/v1/events", within: 60) { text in
                !text.contains(#""step":0,"#) && text.contains(#""op":"F""#)
            }
            let told = try JSON(try #require(event, "\(cluster.logs)"))
            #expect(try told.inner("run").number("step") > 0)
            #expect(try told.inner("pipeline").count("stages") == 2)
            #expect(try told.inner("devices").number("total") == 4)
            // Whom nobody has invited.
            let stranger = ["device", "--id", "stranger", "--coordinator", "tcp://\(cluster.places[0])", "--insecure"]
            #expect(try Program.run(stranger, in: cluster.tiny.folder).exitCode != 0)
            try checkMetrics(clients)
            try checkDevices(coordinator)
            #expect(try coordinator.ask("POST", "/api/v1/workers/worker-1/drain")?.status == 401)
            try cluster.finishWhileServed(coordinator)
        }
    }

    @Test("a worker that is drained with the token hands over, the state says so, and the run ends")
    func draining() throws {
        try withCluster(["training.epochs=60"], workers: 2) { cluster, clients in
            let coordinator = try #require(clients["coordinator"])
            cluster.start()
            let training = try answer(coordinator, "/api/v1/state") { answer in
                // Before the run is in the ledger there is no state, and no part of it that could be required.
                guard answer.status == 200, let state = try? JSON(answer.body),
                    let workers = try? state.list("workers")
                else { return false }
                return workers.count == 2 && (try? state.inner("run").number("step")) ?? 0 > 0
            }
            let workers = try JSON(try #require(training, "\(cluster.logs)").body).list("workers")
            #expect(try workers.allSatisfy { try $0.flag("can_drain") })
            let owner = try #require(try workers.first { try $0.text("state") == "training" }).text("id")
            let headers = ["Authorization": "Bearer \(Self.token)"]
            #expect(try coordinator.ask("POST", "/api/v1/workers/nobody/drain", headers)?.status == 404)
            let drained = try coordinator.ask("POST", "/api/v1/workers/\(owner)/drain", headers)
            #expect(drained?.status == 200, "\(drained?.body ?? "nobody answered")")
            let left = try answer(coordinator, "/api/v1/state") { $0.body.contains(#""state":"drained""#) }
            #expect(left != nil, "\(cluster.logs)")
            #expect(cluster.coordinator.exitCode(within: 120) == 0, "\(cluster.logs)")
        }
    }

    @Test("an address that is in use, or is none, and a token that is open to others end the role with their numbers")
    func mistakes() throws {
        try TinyModel.use { tiny in
            let port = try FreePorts.take(1)[0]
            let first = SupervisedRole(
                "first", ["coordinator", "recipe.yaml", "--insecure", "--http", "127.0.0.1:\(port)"], in: tiny.folder)
            first.start()
            defer { first.letGo() }
            #expect(try answer(HTTPClient(port: port), "/healthz") { $0.status == 200 } != nil, "\(first.log)")
            let device = ["device", "--id", "device-1", "--coordinator", "tcp://127.0.0.1:1", "--insecure"]
            for (address, problem) in [("127.0.0.1:\(port)", "Address already in use"), ("9090", "no host and port")] {
                let outcome = try Program.run(device + ["--http", address], in: tiny.folder)
                #expect(outcome.exitCode == ExitCode.httpUnavailable.rawValue)
                #expect(outcome.errors.contains(problem) && outcome.errors.contains("→"), "\(outcome.errors)")
            }
            try Data(Self.token.utf8).write(to: tiny.path("token"))
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: tiny.path("token").path)
            let outcome = try tiny.run(
                "coordinator", "recipe.yaml", "--insecure", "--state", "other", "--http", "127.0.0.1:0",
                "--http-token-file", "token")
            #expect(outcome.exitCode == ExitCode.httpTokenRefused.rawValue, "\(outcome.errors)")
        }
    }

    /// What every role tells is what Prometheus reads, without a name that its linter dislikes, and all of the catalogue.
    private func checkMetrics(_ clients: [String: HTTPClient]) throws {
        var missing = Set(MetricCatalogue.all.map(\.name).filter { !$0.hasPrefix("permafrost_gateway_") })
        let end = ContinuousClock.now + .seconds(60)
        while !missing.isEmpty, ContinuousClock.now < end {
            for client in clients.values {
                guard let text = try? client.get("/metrics") else { continue }
                missing = missing.filter { name in ["{", " ", "_count"].allSatisfy { !text.contains("\n\(name)\($0)") }
                }
            }
            usleep(20_000)
        }
        #expect(missing == [], "nobody tells them")
        let wanted = [
            "coordinator": ["permafrost_devices{state=\"", "permafrost_run_state{state=\"training\"} 1.0"],
            "worker-1": [
                "permafrost_train_tokens_total ", "permafrost_messages_applied_total ", "permafrost_queue_bytes ",
                "permafrost_wire_bytes_total{codec=\"f32\",direction=\"received\"}",
                "permafrost_pipeline_operation_duration_seconds_count{op=\"F\",stage=\"0\"}",
            ],
            "device-1": ["permafrost_published_samples "],
        ]
        for (name, client) in clients {
            let open = try client.get("/metrics"), plain = try client.get("/metrics", ["Accept": "text/plain"])
            #expect(open.hasSuffix("# EOF\n"))
            for part in wanted[name] ?? [] { #expect(open.contains(part), "\(part) is not in\n\(open)") }
            guard PromTool.isInstalled else {
                print("promtool is not installed: metrics are not checked by it (Debian package prometheus)")
                continue
            }
            #expect(try PromTool.complaints(about: plain) == "", "\(name)")
            #expect(try PromTool.complaints(aboutOpenMetrics: open) == "", "\(name)")
        }
    }

    private func checkDevices(_ coordinator: HTTPClient) throws {
        let some = try JSON(try coordinator.get("/api/v1/devices?offset=1&limit=2"))
        #expect(try some.number("total") == 4)
        #expect(try some.count("devices") == 2)
        #expect(try JSON(try coordinator.get("/api/v1/devices?class=99")).number("total") == 0)
    }
}

extension Cluster {
    /// Waits for the end, and compares what was told last with the ledger.
    fileprivate func finishWhileServed(_ client: HTTPClient) throws {
        var newest: String?
        while coordinator.exitCode(within: 0) == nil, let body = try client.ask("GET", "/api/v1/state")?.body {
            newest = body
            usleep(50_000)
        }
        try finish()
        let told = try JSON(try #require(newest)).inner("run")
        let ledger = try Ledger(folder: tiny.path("coordinator").path, access: .reading)
        let id = try told.text("id"), step = Int(try told.number("step"))
        let recorded = try #require(try ledger.steps(of: id, after: step - 1, limit: 1).first)
        // JSONSerialization reads some numbers an ulp beside what is written.
        #expect(abs(try told.number("loss") - (recorded.loss ?? .nan)) < 1e-12)
        #expect(try told.text("recipe") == ledger.run(id).recipeName)
    }
}
