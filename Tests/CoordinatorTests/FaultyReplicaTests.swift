import Faults
import Foundation
import Queueing
import Randomness
import Testing
import Wire
import Worker

/// Whole runs whose leader and replicas reach each other over links that fail, and replicas that lie.
@Suite("Faulty replicas", .serialized, .timeLimit(.minutes(3)))
struct FaultyReplicaTests {
    private static let timing = FaultyLinkTests.timing

    /// `scripts/chaos` asks for all.
    private static let isLong = ProcessInfo.processInfo.environment["PERMAFROST_CHAOS_ROUNDS"] != nil
    private static let seeds: [UInt64] = isLong ? Array(1...12) : [1, 2]

    /// A run whose leader waits after the third step and every other one, with a replica that reaches it through something.
    private struct Scene {
        var distributed: DistributedRun
        let gate = StepGate(after: 3, andEvery: true)
        /// Where the leader listens.
        let endpoint: String

        var run: TinyRun { distributed.run }

        init(_ transport: Ground.Transport = .tcp) throws {
            distributed = try DistributedRun(
                transport, gate: gate, workers: ReplicaRunTests.replicas, timing: FaultyReplicaTests.timing
            ) { ($0.replicas, $0.silenceLimit) = (2, .seconds(60)) }
            endpoint = try distributed.run.site.freeEndpoint("worker")
        }

        mutating func start(advertised: String? = nil) throws {
            try run.startCoordinator()
            let endpoint = endpoint
            try distributed.startWorker {
                ($0.microBatch, $0.endpoint, $0.advertised) = (1, endpoint, advertised)
            }
            #expect(run.events.waits { $0 == .registered(id: "worker", samples: nil) })
            for id in ["strong", "weak"] {
                try distributed.startDevice(id) { $0.acknowledgementTimeout = .milliseconds(300) }
            }
            #expect(gate.holds())
        }

        func startReplica() throws {
            try ReplicaRunTests.startReplica(distributed, "replica-1")
            #expect(ReplicaRunTests.waitsForReplica(distributed, "replica-1"))
        }

        /// One more step, after which there is a moment for whoever has to find his way back.
        func step(_ number: Int, meanwhile: () -> Void = {}) throws {
            gate.letOne()
            meanwhile()
            let holds = gate.holds()
            try #require(
                holds,
                "\(run.workerEvents.all.suffix(12)); \(run.deviceEvents.all.suffix(6)); \(run.events.all.map(\.name).suffix(6))"
            )
            let end = ContinuousClock.now + .milliseconds(300)
            let isFollowed = { run.workerEvents.all.contains { $0.event == .followed(step: number) } }
            while !isFollowed(), ContinuousClock.now < end { Nap.short() }
        }
    }

    /// What happens between two steps, or during one.
    private enum Moment: CaseIterable { case nothing, reset, resetDuring, refusal, stopped, delay, swallowed }

    @Test(
        "whatever happens to the link of a replica before and during which step, the run completes, bit for bit",
        arguments: seeds)
    func links(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed, stream: "replica-links")
        var scene = try Scene()
        let proxy = try TCPFaultProxy(upstream: scene.endpoint)
        // Devices come by the proxy as well, and have sent everything soon.
        try scene.start(advertised: proxy.endpoint)
        try scene.startReplica()
        var story: [String] = []
        for step in 4..<TinyShards.steps {
            let moment = Moment.allCases.randomElement(using: &chance) ?? .nothing
            story.append("\(step) \(moment)")
            var faults = TCPFaults()
            switch moment {
            case .nothing, .resetDuring: break
            case .reset: proxy.resetConnections()
            case .refusal:
                faults.refuses = true
                proxy.resetConnections()
            case .stopped: faults.stopped = Bool.random(using: &chance) ? [.toUpstream] : [.fromUpstream]
            case .delay: faults.delay = .milliseconds(40)
            case .swallowed: faults.isBlackHole = true
            }
            proxy.set(faults)
            try scene.step(step) { if moment == .resetDuring { proxy.resetConnections() } }
            proxy.set(TCPFaults())
        }
        scene.gate.open()
        try ReplicaRunTests.expectAlone(scene.distributed)
        let computed = ReplicaRunTests.computed(scene.distributed, by: "replica-1")
        print("chaos of replica links, seed \(seed): \(story.joined(separator: ", ")); \(computed) micro-batches")
    }

    @Test(
        "messages between leader and replica that are lost, doubled, delayed and overtaken cost time alone",
        arguments: seeds)
    func messages(seed: UInt64) throws {
        var scene = try Scene()
        var faults = MessageFaults()
        (faults.drop, faults.duplicate, faults.delay, faults.reorder) = (0.05, 0.05, 0.1, 0.1)
        let proxy = try MessageFaultProxy(
            context: ZeroMQContext(), endpoint: "tcp://127.0.0.1:*", upstream: scene.endpoint, seed: seed,
            faults: faults)
        try scene.start(advertised: proxy.endpoint)
        try scene.startReplica()
        for step in 4..<TinyShards.steps { try scene.step(step) }
        scene.gate.open()
        try ReplicaRunTests.expectAlone(scene.distributed)
        let counts = proxy.counts
        #expect(counts.dropped > 0 && counts.duplicated > 0 && counts.reordered > 0, "seed \(seed): \(counts)")
    }

    /// What a hand-made replica does with its part of a step.
    enum Lie: String, CaseIterable, CustomTestStringConvertible {
        /// It takes the order, and never says anything of it.
        case silence
        /// A bit is another one on the way.
        case flippedBit
        /// Numbers that are none.
        case notFinite
        /// A sum that it was not given.
        case anotherSum
        /// Losses for other micro-batches than it was given.
        case tooManyLosses
        /// Losses that would ruin the run's figures, and its leader.
        case monstrousLosses
        /// Messages that no replica sends.
        case nonsense

        var testDescription: String { rawValue }
    }

    @Test(
        "a replica that lies is named, and the run ends as without it, bit for bit", arguments: Lie.allCases,
        [Ground.Transport.tcp, .curve])
    func liars(lie: Lie, transport: Ground.Transport) throws {
        var scene = try Scene(transport)
        try scene.start()
        // Nobody moves to it who would have to publish there.
        for id in ["strong", "weak"] {
            let hasPublished = scene.run.events.waits {
                if case .deviceProgress(id, let progress) = $0 { progress.finished } else { false }
            }
            #expect(hasPublished)
        }
        let context = try scene.run.site.context()
        let control = try HandLink(
            "replica-1", context: context, endpoint: scene.run.endpoint,
            security: scene.run.site.reaching("coordinator", as: "replica-1"))
        try control.say(
            .register(
                .init(
                    role: .worker, samples: 0, threads: 1, endpoint: "tcp://127.0.0.1:9",
                    endpointKey: try scene.run.site.keyPair(of: "replica-1").publicKey.z85)))
        let leader = try control.next { $0.runPlan?.leader }
        #expect(leader.worker == "worker")
        let liar = try HandLink(
            "replica-1", context: context, endpoint: leader.endpoint,
            security: scene.run.site.reaching("worker", as: "replica-1"))
        _ = try liar.greet(samples: 0)
        scene.gate.open()
        var lies = 0
        // It is asked again as long as it introduces itself; then the run goes on without it.
        while lies < 2 {
            let order = try liar.next { if case .stepOrder(let order) = $0.body { order } else { nil } }
            lies += 1
            try Self.tell(lie, of: order, liar)
            guard lie != .silence else { break }
            _ = try liar.next(\.reject)
            if lies < 2 { _ = try liar.greet(samples: 0) }
        }
        _ = try control.next(\.stop)
        try control.say(.goodbye(reason: ""))
        try ReplicaRunTests.expectAlone(scene.distributed)
        let told = scene.run.workerEvents.all.map(\.event)
        switch lie {
        case .silence:
            #expect(told.contains { if case .replicaLate("replica-1", _) = $0 { true } else { false } })
        // Nothing of a step was lost by it.
        case .nonsense: break
        default:
            let refusals = told.filter { if case .replicaRefused("replica-1", _) = $0 { true } else { false } }
            #expect(refusals.count == 2, "\(refusals)")
        }
    }

    private static func tell(_ lie: Lie, of order: Body.StepOrder, _ liar: HandLink) throws {
        let numbers = order.microBatches.map { Int($0.number) }
        let sums = Set(numbers.map { $0 % Int(order.sums) }).sorted()
        let count = try TinyModel().trainer().parameters.layout.count
        let values = [Float](repeating: lie == .notFinite ? .nan : 1, count: count)
        for sum in sums {
            var bytes = values.withUnsafeBytes { Array($0) }
            var piece = Body.TensorPiece(
                kind: .sum, step: order.step, index: UInt32(sum), offset: 0, count: UInt64(count),
                checksum: bytes.withUnsafeBytes { payloadChecksum($0) })
            if lie == .flippedBit { bytes[7] ^= 2 }
            if lie == .anotherSum { piece.index = 0 }
            switch lie {
            case .silence: return
            case .nonsense: return try liar.say(.stepOrder(order))
            default: try liar.say(.tensorPiece(piece), payload: Frame(bytes))
            }
        }
        var losses = numbers.map { _ in lie == .monstrousLosses ? Double.greatestFiniteMagnitude : 1 }
        if lie == .tooManyLosses { losses.append(1) }
        try liar.say(
            .stepPart(.init(step: order.step, lossSums: losses, correct: losses.map { _ in 0 }, seconds: 0.001)))
    }
}
