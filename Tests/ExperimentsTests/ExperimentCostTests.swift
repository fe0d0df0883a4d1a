import Balancing
import Methods
import Models
import Testing

@testable import Experiments

/// Runs against closed forms, on texts of one length.
@Suite("What runs of a comparison cost")
struct ExperimentCostTests {
    private static let tokens = 6

    /// Devices whose shards are made of whole batches.
    private static func bench() throws -> ExperimentBench {
        var bench = try ExperimentBench(length: tokens)
        bench.counts = [10, 10, 10]
        bench.cuts = [2, 2, 2]
        return bench
    }

    private static func costs(_ method: ComparedMethod, _ bench: ExperimentBench) -> MethodCosts {
        let model = bench.model.hyperparameters
        let pass = PassCosts(
            model: model, tokens: tokens, rank: ExperimentBench.rank,
            targets: Set(model.family.linears(model).map(\.target)))
        return MethodCosts(
            method,
            .init(pass: pass, cut: 2, frozenBlocks: 2, targets: 1, outputs: 2, probes: 3, keptPairs: 2))
    }

    /// Two epochs of 30 texts: 60 visits, 12 steps.
    private static let budget = 2 * 30 * tokens

    @Test(
        "operations and payload bytes are those of the closed forms",
        arguments: [
            (MethodSettings.splitfrozen(messageSamples: 4), [CostUnit.sample: 30, .visit: 60, .step: 12], 0, 0),
            (.splitlora(averagingSteps: 6), [.visit: 60, .step: 12, .round: 2 * 3], 0, 0),
            (.fedlora(localSteps: 2), [.visit: 60, .step: 12, .round: 2 * 3], 2 * 3 * 8, 0),
            // Beside what the forms count, each step's coefficients go to both other devices.
            (.hosl(.init(pairs: 3)), [.visit: 60, .step: 12], 0, 12 * 2 * 4 * 4),
            (.zo(.init(pairs: 3)), [.visit: 60, .step: 12], 0, 12 * 2 * 4 * 4),
            (
                .soft(.init(localSteps: 2, sparsity: 0.5)), [.visit: 60, .step: 12, .round: 2 * 3],
                2 * 3 * (8 + 12), 2 * 3 * 4
            ),
            (.central, [.visit: 60, .step: 12], 0, 0),
        ])
    func closedForms(method: MethodSettings, counts: [CostUnit: Int], moreUp: Int, moreDown: Int) throws {
        let bench = try Self.bench(), costs = Self.costs(method.method, bench)
        let result = try bench.run(method, budget: Self.budget).run()
        let last = try #require(result.points.last)
        // A classifier's weights are in no closed form: of each device, in each round, both ways.
        let hasAdapters = [.fedlora, .soft].contains(method.method)
        let classifier = hasAdapters ? 2 * 3 * 4 * 2 * bench.model.hyperparameters.width : 0
        // With probes one device sends, in the end, what all have trained.
        let isProbed = [.hosl, .zo].contains(method.method)
        let lower = isProbed ? 2 * 4 * bench.rankParameters : 0
        #expect(Double(result.payload(isUp: true) - moreUp - classifier - lower) == costs.bytes(isUpload: true, counts))
        #expect(Double(result.payload(isUp: false) - moreDown - classifier) == costs.bytes(isUpload: false, counts))
        #expect(
            abs(last.deviceFLOPs / max(1, costs.deviceFlops.total(counts)) - (last.deviceFLOPs > 0 ? 1 : 0)) < 1e-12)
        #expect(
            abs(last.serverFLOPs / max(1, costs.serverFlops.total(counts)) - (last.serverFLOPs > 0 ? 1 : 0)) < 1e-12)
        #expect(last.tokens == Self.budget)
    }

    @Test("FedLoRA's rounds last as long as their slowest device receives, computes and sends")
    func federatedTime() throws {
        let bench = try Self.bench(), result = try bench.run(.fedlora(localSteps: 2), budget: Self.budget).run()
        let rounds = 2.0, kind = bench.fleet.classes[0], slow = result.devices[0]
        // Nobody waits for the others: the slow device has the slowest processor and the slowest links.
        let expected =
            slow.flops / (kind.fp32FlopsPerSecond ?? 0) + Double(slow.bytesUp) / kind.uplinkBytesPerSecond
            + Double(slow.bytesDown) / (kind.downlinkBytesPerSecond ?? 0) + rounds * kind.roundTripSeconds
        #expect(abs((result.points.last?.simulatedSeconds ?? 0) - expected) < 1e-9 * expected)
        #expect(abs((slow.joules ?? 0) - 2 * (expected - rounds * kind.roundTripSeconds)) < 1e-9 * expected)
        #expect(abs(slow.uploadSeconds - Double(slow.bytesUp) / kind.uplinkBytesPerSecond) < 1e-9 * expected)
    }

    @Test("SplitFrozen's devices compute while they send, and the server trains while they do", arguments: [1e6, 2e8])
    func frozenTime(flopsPerSecond: Double) throws {
        var bench = try Self.bench()
        bench.speed = ServerSpeed(frozenForward: 0, forward: 0, backwardInput: 0, backwardWeights: 0)
        bench.fleet.classes[0].fp32FlopsPerSecond = flopsPerSecond
        // The last sample of the first epoch is waited for, and there are 10 of each device, one in a message.
        let result = try bench.run(.splitfrozen(messageSamples: 1), budget: Self.budget).run()
        let times = zip(bench.fleet.classes, result.devices).map { kind, device in
            let compute = device.flops / (kind.fp32FlopsPerSecond ?? 0) / 10
            let send = Double(device.bytesUp) / kind.uplinkBytesPerSecond / 10
            let turn = Double(device.bytesDown) / (kind.downlinkBytesPerSecond ?? 0)
            return turn + kind.roundTripSeconds + compute + send + 9 * max(compute, send)
        }
        let expected = try #require(times.max())
        #expect(abs((result.points.last?.simulatedSeconds ?? 0) - expected) < 1e-9 * expected)
    }

    @Test("central training takes the server's seconds alone")
    func centralTime() throws {
        let bench = try Self.bench(), result = try bench.run(.central, budget: Self.budget).run()
        let token = 2 * 1e-6 + 2 * (2e-6 + 3e-6 + 1e-6), visits = 60.0
        let expected = visits * (Double(Self.tokens) * token + 2e-7)
        #expect(abs((result.points.last?.simulatedSeconds ?? 0) - expected) < 1e-9)
    }

    @Test("a device that is there one second in ten makes a round that waits for it about ten times longer")
    func windows() throws {
        var bench = try Self.bench()
        let always = try bench.run(.fedlora(localSteps: 2), budget: Self.budget).run()
        bench.fleet.classes[0].windows = [.init(from: 0, to: 1)]
        bench.fleet.classes[0].windowPeriodSeconds = 10
        let sometimes = try bench.run(.fedlora(localSteps: 2), budget: Self.budget).run()
        let times = [always, sometimes].map { $0.points.last?.simulatedSeconds ?? 0 }
        #expect(times[1] > 10 * (times[0] - 2) && times[1] < 10 * (times[0] + 2))
        #expect(always.points.map(\.loss) == sometimes.points.map(\.loss))
        #expect(abs(always.devices[0].computeSeconds - sometimes.devices[0].computeSeconds) < 1e-6)
    }
}
