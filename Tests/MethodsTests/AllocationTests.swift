import Foundation
import Randomness
import Synchronization
import Testing

@testable import Methods

@Suite("TSFA")
struct AllocationTests {
    static func device(_ generator: inout SeededGenerator, ranks: Int) -> RoundAllocation.Device {
        let energies = (0..<ranks).map { _ in generator.uniform() }.sorted(by: >), sum = energies.reduce(0, +)
        return RoundAllocation.Device(
            computeSeconds: generator.uniform(), bitsPerSecond: 1e6 * (0.1 + generator.uniform()),
            pairBits: 1e5 * (0.5 + generator.uniform()), fixedBits: 1e4,
            errors: RoundAllocation.Device.errors(energies: energies.map { $0 / sum }, rank: ranks))
    }

    @Test("shares and ranks are within a hundredth of the best of all choices", arguments: UInt64(1)...12)
    func bestChoice(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed, stream: "allocation")
        let devices = (0..<3).map { _ in Self.device(&generator, ranks: 4) }
        let queues = devices.map { _ in 0.1 + 3 * generator.uniform() }, weight = 10 * generator.uniform()
        let found = try RoundAllocation(devices, queues: queues, limitSeconds: 1, accuracyWeight: weight)
        #expect(abs(found.shares.reduce(0, +) - 1) < 1e-12 || found.kept == [0, 0, 0])
        func objective(_ kept: [Int], _ shares: [Double]) -> Double {
            devices.indices.reduce(0) { sum, n in
                let sending = kept[n] == 0 ? 0 : devices[n].seconds(kept: kept[n]) / shares[n]
                let seconds = devices[n].computeSeconds + sending
                return sum + weight * devices[n].errors[kept[n]] + queues[n] * seconds
            }
        }
        let value = objective(found.kept, found.shares)
        for n in devices.indices {
            let sending = found.kept[n] == 0 ? 0 : devices[n].seconds(kept: found.kept[n]) / found.shares[n]
            let seconds = devices[n].computeSeconds + sending
            #expect(abs(found.seconds[n] - seconds) < 1e-9 * seconds)
        }
        // Every choice of ranks, each on a grid of shares.
        var best = Double.infinity
        for choice in 0..<125 {
            let kept = [choice % 5, choice / 5 % 5, choice / 25]
            for i in 1..<24 {
                for j in 1..<24 where i + j < 24 {
                    best = min(best, objective(kept, [i, j, 24 - i - j].map { Double($0) / 24 }))
                }
            }
        }
        #expect(value < 1.01 * best, "seed \(seed)")
    }

    /// Rounds over a channel of Rayleigh fading: exponential power, independent from round to round.
    static func rounds(
        _ count: Int, limit: Double, weight: Double, seed: UInt64, controlled: Bool
    ) throws -> (means: [Double], queues: [[Double]], kept: Double) {
        var generator = SeededGenerator(seed: seed, stream: "channel")
        let (ranks, bandwidth) = (8, 1e6), signal = [2.0, 5, 10, 30]
        var control = OnlineAllocation(devices: 4, limitSeconds: limit, accuracyWeight: weight)
        var sums = [Double](repeating: 0, count: 4), history: [[Double]] = [], kept = 0.0
        for _ in 0..<count {
            let devices = signal.map { mean in
                let fading = -log(1 - generator.uniform())
                return RoundAllocation.Device(
                    computeSeconds: 0.2, bitsPerSecond: bandwidth * log2(1 + mean * fading), pairBits: 2e5,
                    errors: (0...ranks).map { pow(1 - Double($0) / Double(ranks), 2) })
            }
            var seconds = devices.map { 4 * $0.seconds(kept: ranks) + 0.2 }
            if controlled {
                let choice = try control.next(devices)
                seconds = choice.seconds
                kept += Double(choice.kept.reduce(0, +)) / 4 / Double(count)
            }
            history.append(control.queues.values)
            sums = zip(sums, seconds).map(+)
        }
        return (sums.map { $0 / Double(count) }, history, kept)
    }

    @Test(
        "on a fading channel the mean latency ends under the limit, and queues stay bounded", arguments: UInt64(1)...3)
    func longRun(seed: UInt64) throws {
        let limit = 2.0
        let run = try Self.rounds(2000, limit: limit, weight: 20, seed: seed, controlled: true)
        #expect(run.means.allSatisfy { $0 <= limit }, "seed \(seed): \(run.means)")
        func largest(_ part: ArraySlice<[Double]>) -> Double { part.joined().max() ?? 0 }
        #expect(largest(run.queues[1000...]) < 2 * largest(run.queues[..<1000]), "seed \(seed)")
        #expect(run.kept > 1.5, "seed \(seed): accuracy is not given up")
        let equal = try Self.rounds(2000, limit: limit, weight: 20, seed: seed, controlled: false)
        #expect(equal.means.contains { $0 > limit }, "all ranks on equal shares would break the limit")
    }

    @Test("SOFT's devices send what TSFA decides from the energies that they have told, and nothing in a dead channel")
    func closedLoop() throws {
        let bench = try MethodBench(), start = try bench.parameters()
        let pairBits = Double(RankSelection.pairBits(bench.whole))
        let control = Mutex(OnlineAllocation(devices: 2, limitSeconds: 1, accuracyWeight: 3))
        let decided = Mutex<[[Int]]>([])
        let (network, server, _) = FederatedTests.network(
            bench, start: start, ranks: [3, 3], samples: [10, 10],
            settings: FederatedSettings(rounds: 6, localSteps: 2, aggregation: .keptRanks)
        ) { round, energies in
            let devices = (0..<2).map { device in
                RoundAllocation.Device(
                    computeSeconds: 0.1, bitsPerSecond: device == 1 && round > 3 ? 1e-3 : 4 * pairBits,
                    pairBits: pairBits,
                    errors: RoundAllocation.Device.errors(energies: energies[device] ?? [], rank: 3))
            }
            let kept = try control.withLock { try $0.next(devices).kept }
            decided.withLock { $0.append(kept) }
            return kept
        }
        try network.run()
        let kept = decided.withLock { $0 }
        #expect(kept.count == 6 && kept[4][1] == 0 && kept[4][0] > 0)
        for (device, message) in network.messages(.update, isUp: true) {
            #expect(message.tensors.first?.rows ?? 0 == kept[message.step - 1][device])
        }
        #expect(server.energies[0]?.count == 3)
    }

    @Test("more weight for accuracy keeps more ranks, and longer queues")
    func weight() throws {
        let runs = try [1.0, 100].map { try Self.rounds(1000, limit: 2, weight: $0, seed: 4, controlled: true) }
        #expect(runs[0].kept < runs[1].kept)
        #expect((runs[0].queues.joined().max() ?? 0) < (runs[1].queues.joined().max() ?? 0))
    }

    @Test("a device without a rate is refused")
    func noRate() {
        let device = RoundAllocation.Device(computeSeconds: 1, bitsPerSecond: 0, pairBits: 1, errors: [0])
        #expect(throws: MethodError.noRate(device: 0)) {
            try RoundAllocation([device], queues: [0], limitSeconds: 1, accuracyWeight: 1)
        }
    }

    @Test("a better channel never lowers the offline rank, and a rank is as large as the spectrum if all can be sent")
    func offlineRank() {
        let spectrum = [10.0, 8, 6, 1, 0.5, 0.3, 0.1, 0.05], candidates = [1, 2, 3, 4, 8]
        let ranks = [0.5, 1, 2, 3, 4, 8].map {
            OfflineRank.choose(spectrum, candidates: candidates, sendablePairs: $0)
        }
        #expect(ranks == ranks.sorted() && ranks.first == 1 && ranks.last == 8)
        #expect(ranks[3] == 3, "three pairs can be sent, and three matter")
        #expect(abs(OfflineRank.rankError([3, 4], rank: 1) - 16.0 / 25) < 1e-12)
        #expect(OfflineRank.sendablePairs(bitsPerSecond: 1e6, devices: 4, seconds: 2, pairBits: 1e5) == 5)
    }

    @Test("the ranks that a sparsity leaves are the share rounded up, and never none")
    func kept() {
        #expect(RankSelection.kept(rank: 8, sparsity: 0) == 8 && RankSelection.kept(rank: 8, sparsity: 1) == 1)
        #expect(RankSelection.kept(rank: 10, sparsity: 0.7) == 3 && RankSelection.kept(rank: 8, sparsity: 0.8) == 2)
    }
}
