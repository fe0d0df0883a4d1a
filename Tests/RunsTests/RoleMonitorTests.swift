import Diagnostics
import Monitoring
import Testing
import Wire

@testable import Runs

@Suite("Whether others can count on a role")
struct RoleMonitorTests {
    private static let access = AccessRules(listening: HostAndPort(host: "127.0.0.1", port: 1), names: [])

    private func text(_ site: Site, _ path: String) async throws -> String {
        let answer = await site.answer(SiteRequest("GET", path))
        guard case .bytes(let bytes) = answer.content else { return "\(answer.status)" }
        return "\(answer.status) \(String(decoding: bytes, as: UTF8.self).dropLast())"
    }

    @Test("a worker is ready from its first registration until it drains, also while its coordinator is away")
    func worker() async throws {
        let monitor = WorkerMonitor(id: "worker-1")
        let site = monitor.site(Self.access)
        #expect(try await text(site, "/readyz") == "503 not registered with a coordinator yet")
        #expect(try await text(site, "/healthz") == "200 ok", "a role that loads its model is healthy")
        monitor.take(.worker(.joined(endpoint: "tcp://127.0.0.1:2")))
        #expect(try await text(site, "/readyz") == "200 ok")
        monitor.take(.worker(.coordinatorAway(reason: "gone")))
        #expect(try await text(site, "/readyz") == "200 ok")
        monitor.take(.worker(.draining))
        #expect(try await text(site, "/readyz") == "503 draining: it takes no more messages")
        monitor.take(.worker(.left(.drained)))
        #expect(try await text(site, "/readyz") == "503 it has left the run")
    }

    @Test("a device is ready when it has its part of the plan, and until it leaves")
    func device() async throws {
        let monitor = DeviceMonitor(id: "device-1")
        let site = monitor.site(Self.access)
        #expect(try await text(site, "/readyz") == "503 not registered with a coordinator yet")
        monitor.take(.device(.waiting(.assignment)))
        #expect(try await text(site, "/readyz") != "200 ok")
        monitor.take(.device(.assigned(cut: 1, generation: 1, worker: "worker-1")))
        #expect(try await text(site, "/readyz") == "200 ok")
        monitor.take(.device(.stopped(reason: "the run is complete")))
        #expect(try await text(site, "/readyz") == "503 it has left the run")
    }

    @Test("a coordinator is ready when it listens, and as long as it stays")
    func coordinator() async throws {
        let monitor = CoordinatorMonitor(folder: "nowhere", run: "run", token: nil)
        let site = monitor.site(Self.access)
        #expect(try await text(site, "/readyz") == "503 not listening yet")
        monitor.take(.listening(endpoint: "tcp://127.0.0.1:1"))
        #expect(try await text(site, "/readyz") == "200 ok")
        let totals = Body.WorkerFinished(
            steps: 1, epochs: 1, tokens: 1, samples: 1, seconds: 1, bytesUp: 1, bytesDown: 1)
        monitor.take(.run(.staying(after: .completed(totals))))
        #expect(try await text(site, "/readyz") == "200 ok")
        monitor.take(.completed(totals))
        #expect(try await text(site, "/readyz") == "503 the run is complete")
    }

    @Test("a role whose loop turns no longer is not healthy; one whose loop rests is")
    func health() async throws {
        let monitor = WorkerMonitor(id: "worker-1")
        let site = monitor.site(Self.access)
        monitor.pulse.beat()
        #expect(try await text(site, "/healthz") == "200 ok")
        monitor.pulse.beat(now: .now - LoopPulse.limit - .seconds(9))
        #expect(try await text(site, "/healthz") == "503 the loop has not turned for 69 s")
        monitor.pulse.rest()
        #expect(try await text(site, "/healthz") == "200 ok")
    }

    @Test("every counter of errors is there from the beginning, so that the first one is a growth")
    func errors() {
        let families = RoleMetrics(role: "worker").families
        let errors = families.first { $0.description.name == "permafrost_errors_total" }
        #expect(errors?.samples.count == ExitCode.allCases.count - 1)
    }
}
