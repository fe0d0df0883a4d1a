import Balancing
import Randomness
import Testing

@Suite("Plans")
struct BalancerTests {
    /// Printed with every failure.
    private static let seed: UInt64 = 4

    /// All combinations of permitted cuts.
    private func combinations(_ ranges: [ClosedRange<Int>]) -> [[Int]] {
        ranges.reduce([[]]) { found, range in found.flatMap { cuts in range.map { cuts + [$0] } } }
    }

    private func computing(_ fleet: RandomFleet, _ cuts: [Int]) -> Double {
        zip(fleet.devices, cuts).map { $0.remainingTokens * ($0.secondsPerBlockToken ?? 0) * Double($1) }.max() ?? 0
    }

    @Test("no cuts are faster than the plan's, and none as fast compute less: against all combinations of 400 fleets")
    func optimum() {
        var generator = SeededGenerator(seed: Self.seed, stream: "optimum")
        var bottlenecks: Set<String> = []
        for round in 0..<400 {
            let fleet = RandomFleet(
                devices: Int.random(in: 1...4, using: &generator), blocks: Int.random(in: 1...5, using: &generator),
                using: &generator)
            let plan = fleet.plan()
            let all = combinations(fleet.permitted)
            let times = all.map(fleet.seconds)
            let best = times.min() ?? 0
            #expect(abs(plan.prediction.seconds - best) <= 1e-12 * best, "seed \(Self.seed), round \(round)")
            #expect(abs(fleet.seconds(plan.cuts) - best) <= 1e-12 * best, "seed \(Self.seed), round \(round)")
            let least = zip(all, times).filter { $1 <= best * (1 + 1e-12) }.map { computing(fleet, $0.0) }.min() ?? 0
            #expect(computing(fleet, plan.cuts) <= least * (1 + 1e-12), "seed \(Self.seed), round \(round)")
            bottlenecks.insert("\(plan.bottleneck)".split(separator: " ").first.map(String.init) ?? "")
        }
        #expect(bottlenecks == ["server", "computing", "uplink"], "every kind of bottleneck was tried")
    }

    @Test("memory and the smallest cut are respected, whatever the speeds")
    func memory() {
        var generator = SeededGenerator(seed: Self.seed, stream: "memory")
        for round in 0..<300 {
            let fleet = RandomFleet(devices: 20, blocks: 30, using: &generator)
            for (cut, permitted) in zip(fleet.plan().cuts, fleet.permitted) {
                #expect(permitted.contains(cut), "seed \(Self.seed), round \(round)")
            }
        }
    }

    @Test("of two devices with as many tokens and as much memory, the faster one never has the lower cut")
    func fasterInAPlan() {
        var generator = SeededGenerator(seed: Self.seed, stream: "faster")
        for round in 0..<300 {
            var fleet = RandomFleet(devices: 12, blocks: 24, using: &generator)
            for place in fleet.devices.indices {
                fleet.devices[place].tokens = 1000
                fleet.devices[place].publishedTokens = 0
                fleet.devices[place].memoryBytes = nil
            }
            let bySpeed = zip(fleet.devices, fleet.plan().cuts)
                .sorted { ($0.0.secondsPerBlockToken ?? 0) < ($1.0.secondsPerBlockToken ?? 0) }
            #expect(zip(bySpeed, bySpeed.dropFirst()).allSatisfy { $0.1 >= $1.1 }, "round \(round)")
        }
    }

    @Test("a device that becomes faster, all else equal, never gets a lower cut, and the run never longer")
    func becomesFaster() {
        var generator = SeededGenerator(seed: Self.seed, stream: "becomes faster")
        var raised = 0
        for round in 0..<1000 {
            var fleet = RandomFleet(devices: 5, blocks: 12, using: &generator)
            let before = fleet.plan()
            let place = Int.random(in: 0..<5, using: &generator)
            let speed = fleet.devices[place].secondsPerBlockToken ?? 0
            fleet.devices[place].secondsPerBlockToken = speed * (0.2 + 0.79 * generator.uniform())
            let after = fleet.plan()
            #expect(after.cuts[place] >= before.cuts[place], "seed \(Self.seed), round \(round)")
            #expect(after.prediction.seconds <= before.prediction.seconds, "seed \(Self.seed), round \(round)")
            raised += after.cuts[place] > before.cuts[place] ? 1 : 0
        }
        #expect(raised > 50, "it does get higher ones")
    }

    @Test("a device that was not measured keeps its cut, within its memory")
    func unmeasured() {
        var generator = SeededGenerator(seed: Self.seed, stream: "unmeasured")
        var fleet = RandomFleet(devices: 3, blocks: 10, using: &generator)
        fleet.devices[0].secondsPerBlockToken = nil
        fleet.devices[0].memoryBytes = nil
        fleet.devices[0].cut = 7
        fleet.devices[1].secondsPerBlockToken = nil
        fleet.devices[1].memoryBytes = 100 + 30
        fleet.devices[1].cut = 7
        #expect(fleet.plan().cuts.prefix(2) == [7, 3])
    }

    @Test("credits hold a message, what an uplink carries until it is acknowledged, and a part of the rest")
    func credits() {
        let rates = [1e6, 1e5, 1e4, 0]
        let devices = rates.map {
            DeviceMeasure(
                id: "\($0)", uplinkBytesPerSecond: $0 > 0 ? $0 : nil, roundTripSeconds: 0.4, samples: 1, tokens: 1,
                cut: 1)
        }
        let server = ServerMeasure(advanceSecondsPerBlockToken: 1, stepSecondsPerToken: 1, workers: ["w"])
        let model = ModelFacts(
            frozenBlocks: 1, bytesPerToken: 1, memoryBytesPerBlock: 1, fixedMemoryBytes: 1, epochs: 1)
        for (total, expected) in [
            // Wishes of 500,000, 50,000, 5000, and their mean of 185,000 for whom nobody has measured.
            (744_000 + 4 * 5000, [506_000, 56_000, 11_000, 191_000]), (374_000, [251_000, 26_000, 3500, 93_500]),
            (4000, [1000, 1000, 1000, 1000]), (400, [100, 100, 100, 100]),
        ] {
            let plan = Balancer.plan(
                devices: devices, server: server, model: model,
                credits: .init(totalBytes: total, messageBytes: 1000))
            #expect(plan.assignments.map(\.creditBytes) == expected)
        }
    }

    @Test("the largest devices are placed first: three small and a large one share two workers evenly")
    func largestFirst() {
        let devices = [1.0, 1, 1, 3].map { DeviceMeasure(id: "\($0)", samples: 1, tokens: $0, cut: 1) }
        let plan = Balancer.plan(
            devices: devices,
            server: .init(advanceSecondsPerBlockToken: 1, stepSecondsPerToken: 1, workers: ["a", "b"]),
            model: .init(
                frozenBlocks: 1, bytesPerToken: 1, memoryBytesPerBlock: 1, fixedMemoryBytes: 1, epochs: 1),
            credits: .init(totalBytes: 4, messageBytes: 1))
        let workers = plan.assignments.map(\.worker)
        #expect(Set(workers.prefix(3)).count == 1 && workers[3] != workers[0])
    }

    @Test("workers get even work, within the greatest device's; who has a worker keeps it while it is there")
    func workers() {
        var generator = SeededGenerator(seed: Self.seed, stream: "workers")
        for round in 0..<100 {
            var fleet = RandomFleet(devices: 30, blocks: 8, using: &generator)
            fleet.server.workers = ["a", "b", "c"]
            let plan = fleet.plan()
            let stepSeconds = Double(fleet.model.epochs) * fleet.server.stepSecondsPerToken
            let costs = zip(fleet.devices, plan.cuts).map { device, cut -> Double in
                device.remainingTokens * Double(8 - cut) * fleet.server.advanceSecondsPerBlockToken
                    + device.tokens * stepSeconds
            }
            let loads = fleet.server.workers.map { worker in
                zip(plan.assignments, costs).reduce(0) { $0 + ($1.0.worker == worker ? $1.1 : 0) }
            }
            #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= (costs.max() ?? 0), "round \(round)")
            fleet.devices[0].worker = "c"
            fleet.devices[1].worker = "gone"
            let again = fleet.plan()
            #expect(again.assignments[0].worker == "c" && again.assignments[1].worker != "gone")
        }
    }
}
