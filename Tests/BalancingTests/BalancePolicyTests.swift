import Balancing
import Foundation
import Randomness
import Testing

@Suite("When a plan changes")
struct BalancePolicyTests {
    private static let seed: UInt64 = 11
    private let model = ModelFacts(
        frozenBlocks: 12, bytesPerToken: 1000, memoryBytesPerBlock: 1, fixedMemoryBytes: 0, epochs: 2)

    /// Three devices whose speeds are noisy, and a server; each call of `pass` is a second of their work.
    private struct Run {
        var policy: BalancePolicy
        var devices: [BalancePolicy.DeviceTotals] = []
        var server = BalancePolicy.ServerTotals()
        var speeds = [4000.0, 8000, 60_000]
        var noise = 0.0
        var stepTokens = 500.0
        var generator = SeededGenerator(seed: BalancePolicyTests.seed, stream: "policy")

        init(_ model: ModelFacts, change: Double = 0.25) {
            policy = BalancePolicy(
                model: model,
                settings: .init(credits: .init(totalBytes: 1 << 24, messageBytes: 1 << 16), change: change))
            policy.took(workers: ["worker"])
            for place in speeds.indices {
                policy.registered(device: "device-\(place)", samples: 10_000, memoryBytes: nil, cut: 6)
                devices.append(.init())
                devices[place].cut = 6
            }
        }

        mutating func pass() -> Plan? {
            for place in speeds.indices {
                let factor = exp(noise * generator.normal())
                let tokens = speeds[place] / Double(max(1, devices[place].cut)) / factor
                devices[place].computeSeconds += 1
                devices[place].blockTokens += speeds[place] / factor
                devices[place].publishedTokens += tokens
                devices[place].publishedSamples += Int(tokens / 64)
                devices[place].uplinkBytesPerSecond = 1e7 / factor
                policy.observed(device: "device-\(place)", devices[place])
            }
            server.advanceSeconds += 0.5
            server.advanceBlockTokens += 20_000
            server.stepSeconds += stepTokens / 1000
            server.stepTokens += stepTokens
            policy.observed(server: server)
            guard let plan = policy.reconsider() else { return nil }
            for place in speeds.indices { devices[place].cut = plan.cuts[place] }
            return plan
        }
    }

    @Test("no plan is made before there is enough evidence, then one is")
    func evidence() {
        var run = Run(model)
        #expect(run.pass() == nil)
        #expect(run.pass() == nil)
        #expect(run.pass() != nil)
    }

    @Test("while nothing says what a step costs, no work is moved to the server; a known ratio says it")
    func unmeasuredSteps() {
        for ratio in [nil, 10.0] {
            var model = model
            model.stepInBlocks = ratio
            var run = Run(model)
            run.stepTokens = 0
            let plan = (0..<20).lazy.compactMap { _ in run.pass() }.first { _ in true }
            #expect((plan == nil) == (ratio == nil))
        }
    }

    @Test("one long message of a weak device is evidence enough, one short message is not")
    func weak() {
        for (seconds, isEnough) in [(4.0, true), (0.4, false)] {
            var run = Run(model)
            run.policy.registered(device: "weak", samples: 100, memoryBytes: nil, cut: 6)
            var weak = BalancePolicy.DeviceTotals()
            (weak.computeSeconds, weak.blockTokens, weak.cut) = (seconds, 6 * 60 * seconds, 6)
            (weak.publishedSamples, weak.publishedTokens) = (1, 60 * seconds)
            run.policy.observed(device: "weak", weak)
            for _ in 0..<4 { _ = run.pass() }
            #expect(run.policy.plan?.isComplete == isEnough)
            #expect(run.policy.deviceMeasures().last?.secondsPerBlockToken == (isEnough ? 1.0 / 360 : nil))
        }
    }

    @Test("a device that has published everything keeps its cut, and is told nothing more")
    func finished() throws {
        var run = Run(model)
        run.policy.registered(device: "done", samples: 10, memoryBytes: nil, cut: 6)
        var done = BalancePolicy.DeviceTotals()
        (done.computeSeconds, done.blockTokens, done.cut) = (4, 36, 6)
        (done.publishedSamples, done.publishedTokens) = (10, 6)
        run.policy.observed(device: "done", done)
        var plans: [Plan] = []
        for _ in 0..<4 { if let plan = run.pass() { plans.append(plan) } }
        let assignment = try #require(plans.last?.assignments.last)
        #expect(assignment.cut == 6 && assignment.reason == "has published everything")
    }

    @Test(
        "a plan stays while speeds only waver by a tenth, also where every wavering is solved for",
        arguments: [0.25, 0.01])
    func stable(change: Double) {
        var run = Run(model, change: change)
        run.noise = 0.1
        for _ in 0..<20 { _ = run.pass() }
        let taken = run.policy.taken
        for _ in 0..<200 { #expect(run.pass() == nil, "seed \(Self.seed)") }
        #expect(run.policy.taken == taken)
        #expect(change > 0.1 || run.policy.solved > 200)
    }

    @Test("a device that becomes five times slower gets a lower cut within a few reports")
    func slower() throws {
        var run = Run(model)
        for _ in 0..<20 { _ = run.pass() }
        let before = run.devices[1].cut
        run.speeds[1] /= 5
        let plan = try #require((0..<10).lazy.compactMap { _ in run.pass() }.first { _ in true })
        #expect(plan.cuts[1] < before)
    }

    @Test("totals that begin anew count on, and are not taken for negative work")
    func beginsAnew() {
        var run = Run(model)
        for _ in 0..<5 { _ = run.pass() }
        let before = run.policy.deviceMeasures()[0].publishedTokens
        let cut = run.devices[0].cut
        run.devices[0] = .init()
        run.devices[0].cut = cut
        _ = run.pass()
        let after = run.policy.deviceMeasures()[0]
        #expect(after.publishedTokens == before + 4000 / Double(cut))
        #expect(abs((after.secondsPerBlockToken ?? 0) - 1 / 4000) < 1e-9)
    }

    @Test("what is not a number, zero or negative is no evidence")
    func nonsense() {
        var filter = MeasureFilter()
        for (seconds, units) in [(Double.nan, 1.0), (1, .infinity), (-1, 1), (0, 1), (1, 0), (1, -1)] {
            for _ in 0..<5 { filter.observe(seconds: seconds, units: units) }
        }
        #expect(filter.secondsPerUnit == nil)
        for _ in 0..<3 { filter.observe(seconds: 2, units: 4) }
        #expect(filter.secondsPerUnit == 0.5)
    }

    @Test("a plan is the same after it was written down and read")
    func codable() throws {
        var run = Run(model)
        for _ in 0..<5 { _ = run.pass() }
        let plan = try #require(run.policy.plan)
        let read = try JSONDecoder().decode(Plan.self, from: JSONEncoder().encode(plan))
        #expect(read == plan)
        #expect(plan.assignments.allSatisfy { !$0.reason.isEmpty })
    }
}
