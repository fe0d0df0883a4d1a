import Device
import Faults
import Foundation
import Queueing
import Testing
import Worker

/// Whole runs whose roles reach each other over links that fail in every way.
@Suite("Faulty links", .serialized, .timeLimit(.minutes(3)))
struct FaultyLinkTests {
    /// Which connections go through the proxy that fails.
    enum FaultyLink: String, CaseIterable, CustomTestStringConvertible {
        case deviceToCoordinator, workerToCoordinator, deviceToWorker

        var testDescription: String { rawValue }
    }

    enum Fault: String, CaseIterable, CustomTestStringConvertible {
        case delay, rate, blackHole, halfOpenUp, halfOpenDown, resets, refusal

        var testDescription: String { rawValue }

        /// Harms a link for longer than its time-outs.
        func strike(_ proxy: TCPFaultProxy) throws {
            switch self {
            case .delay: proxy.change { $0.delay = .milliseconds(30) }
            case .rate: proxy.change { $0.bytesPerSecond = 20_000 }
            case .blackHole:
                proxy.change { $0.isBlackHole = true }
                try Self.waitForAnother(proxy)
                proxy.change { $0.isBlackHole = false }
            case .halfOpenUp, .halfOpenDown:
                proxy.change { $0.stopped = [self == .halfOpenUp ? .toUpstream : .fromUpstream] }
                try Self.waitForAnother(proxy)
                proxy.change { $0.stopped = [] }
            case .resets:
                for _ in 0..<5 {
                    proxy.resetConnections()
                    try Self.waitForAnother(proxy)
                }
            case .refusal:
                let accepted = proxy.accepted
                proxy.change { $0.refuses = true }
                proxy.resetConnections()
                // A second attempt shows that the first was refused; then they are reset for a while.
                #expect(proxy.accepted == accepted)
                proxy.change { ($0.refuses, $0.resetsNewConnections) = (false, true) }
                for _ in 0..<3 { try Self.waitForAnother(proxy) }
                proxy.change { $0.resetsNewConnections = false }
            }
        }

        /// Somebody tries again who has given a connection up.
        private static func waitForAnother(_ proxy: TCPFaultProxy) throws {
            let accepted = proxy.accepted
            let end = ContinuousClock.now + .seconds(30)
            while proxy.accepted == accepted {
                guard ContinuousClock.now < end else { throw HandPeer.Silence(listener: proxy.endpoint) }
                Nap.short()
            }
        }
    }

    static let timing = {
        var timing = Site.timing
        timing.heartbeatInterval = .milliseconds(100)
        timing.heartbeatTimeout = .milliseconds(400)
        timing.connectTimeout = .milliseconds(400)
        timing.handshakeTimeout = .milliseconds(400)
        return timing
    }()

    /// `scripts/chaos` asks for all.
    private static let strikes: [Fault] =
        ProcessInfo.processInfo.environment["PERMAFROST_CHAOS_ROUNDS"] == nil
        ? [.delay, .blackHole, .resets] : Fault.allCases

    @Test("a run completes over a link that fails, bit for bit", arguments: FaultyLink.allCases, strikes)
    func faults(link: FaultyLink, fault: Fault) throws {
        let gate = StepGate(after: 3)
        var distributed = try DistributedRun(gate: gate, timing: Self.timing)
        let run = distributed.run
        let endpoint = try run.site.freeEndpoint("worker")
        let proxies = try Dictionary(
            uniqueKeysWithValues: FaultyLink.allCases.map {
                ($0, try TCPFaultProxy(upstream: $0 == .deviceToWorker ? endpoint : run.endpoint))
            })
        let (forDevices, forWorker, atWorker) = (
            try #require(proxies[.deviceToCoordinator]), try #require(proxies[.workerToCoordinator]),
            try #require(proxies[.deviceToWorker])
        )
        try run.startCoordinator()
        try distributed.startWorker {
            ($0.endpoint, $0.advertised, $0.coordinator) = (endpoint, atWorker.endpoint, forWorker.endpoint)
        }
        // Publishing goes on while links fail.
        if link != .workerToCoordinator { atWorker.change { $0.bytesPerSecond = 20_000 } }
        for id in ["strong", "weak"] {
            try distributed.startDevice(id, coordinator: forDevices.endpoint) {
                $0.acknowledgementTimeout = .seconds(1)
                $0.partBytes = 128
            }
        }
        if link == .workerToCoordinator {
            #expect(gate.holds())
        } else {
            #expect(run.deviceEvents.waits { if case ("strong", .joined) = $0 { true } else { false } })
        }
        // Training goes on meanwhile, unless the run could end with it: then nobody would try again.
        let mayEnd = link == .workerToCoordinator && [.resets, .refusal].contains(fault)
        if link != .deviceToCoordinator, !mayEnd { gate.open() }
        try fault.strike(try #require(proxies[link]))
        gate.open()
        try distributed.expectUndisturbed()
    }

    @Test(
        "messages between devices and worker that are lost, doubled, delayed and overtaken cost time alone",
        arguments: [1, 2, 3] as [UInt64])
    func messages(seed: UInt64) throws {
        var distributed = try DistributedRun()
        let run = distributed.run
        let endpoint = try run.site.freeEndpoint("worker")
        var faults = MessageFaults()
        (faults.drop, faults.duplicate, faults.delay, faults.reorder) = (0.15, 0.15, 0.1, 0.2)
        let proxy = try MessageFaultProxy(
            context: ZeroMQContext(), endpoint: "tcp://127.0.0.1:*", upstream: endpoint, seed: seed, faults: faults)
        try run.startCoordinator()
        try distributed.startWorker { ($0.endpoint, $0.advertised) = (endpoint, proxy.endpoint) }
        for id in ["strong", "weak"] {
            try distributed.startDevice(id) {
                $0.acknowledgementTimeout = .milliseconds(300)
                $0.partBytes = 256
            }
        }
        try distributed.expectUndisturbed()
        let counts = proxy.counts
        #expect(counts.dropped > 0 && counts.duplicated > 0 && counts.reordered > 0, "seed \(seed): \(counts)")
    }
}
