import Faults
import Foundation
import Queueing
import Testing
import Wire

/// Bytes that honest roles have sent, sent once more by somebody who has listened.
@Suite("Yesterday's bytes", .serialized, .timeLimit(.minutes(5)))
struct ReplayTests {
    @Test(
        "everything that was said to coordinator and worker is said again on other connections, and changes nothing",
        arguments: [Ground.Transport.curve, .tcp])
    func replay(transport: Ground.Transport) throws {
        let gate = StepGate(after: 3)
        var distributed = try DistributedRun(transport, gate: gate)
        let run = distributed.run
        let endpoint = try run.site.freeEndpoint("worker")
        let proxies = [
            "coordinator": try TCPFaultProxy(upstream: run.endpoint), "worker": try TCPFaultProxy(upstream: endpoint),
        ]
        for proxy in proxies.values { proxy.record() }
        try run.startCoordinator()
        let coordinator = proxies["coordinator"]?.endpoint
        try distributed.startWorker {
            ($0.endpoint, $0.advertised, $0.coordinator) = (endpoint, proxies["worker"]?.endpoint, coordinator)
        }
        for id in ["strong", "weak"] { try distributed.startDevice(id, coordinator: coordinator) }
        #expect(gate.holds())

        var held: [RawConnection] = []
        for (role, proxy) in proxies {
            let recordings = proxy.recordings.filter { $0.count > 64 }
            // Both devices, and to the coordinator also the worker.
            #expect(recordings.count >= (role == "worker" ? 2 : 3))
            for recording in recordings {
                let connection = try RawConnection(role == "worker" ? endpoint : run.endpoint)
                // With keys, the handshake has something of either side in it that is new on every connection.
                #expect(connection.replay(recording) == (transport == .tcp))
                held.append(connection)
            }
            guard transport == .curve else { continue }
            // No frame comes so far that anybody would read it.
            let counted = try run.refusals(by: role) { $0.reasons["malformedHandshake"] ?? 0 >= recordings.count }
            #expect(counted["malformedHandshake"] == recordings.count, "\(counted)")
        }
        // Without keys everything is read again, and nothing applied again.
        if transport == .tcp { try run.awaitsDuplicates() }
        // As long as the listener stays and has no keys to be known by, he gets what was meant for those he repeats.
        held = []
        gate.open()
        try distributed.expectUndisturbed()
        if transport == .curve { try run.expectNoSecretsInLogs() }
    }
}

extension TinyRun {
    /// Waits until each device's messages have come again.
    fileprivate func awaitsDuplicates() throws {
        let ledger = try #require(try site.ledger(.reading))
        let end = ContinuousClock.now + .seconds(60)
        while true {
            let cursors = try ledger.state(of: "run").cursors
            if cursors.count == 2, cursors.allSatisfy({ $0.duplicates > 0 }) { return }
            try #require(ContinuousClock.now < end, "\(cursors)")
            Nap.long()
        }
    }
}
