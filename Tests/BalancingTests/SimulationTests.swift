import Datasets
import Testing

@testable import Balancing

@Suite("Simulated runs")
struct SimulationTests {
    /// Three unequal classes.
    private func fleet(_ change: (inout Fleet) -> Void = { _ in }) -> Fleet {
        var fleet = Fleet()
        fleet.seed = 5
        fleet.model = ModelFacts(
            frozenBlocks: 24, bytesPerToken: 1152, memoryBytesPerBlock: 14 << 20, fixedMemoryBytes: 150 << 20,
            epochs: 2)
        fleet.advanceBlockTokensPerSecond = 60_000
        fleet.stepTokensPerSecond = 3000
        fleet.ingestBytes = 64 << 20
        fleet.reportSeconds = 2
        fleet.classes = [("board", 4, 2000.0, 2e6), ("phone", 4, 10_000, 3e6), ("laptop", 4, 60_000, 1e7)].map {
            var kind = Fleet.DeviceClass()
            (kind.name, kind.count, kind.blockTokensPerSecond, kind.uplinkBytesPerSecond) = $0
            kind.memoryBytes = 1 << 30
            kind.samples = 200
            return kind
        }
        change(&fleet)
        return fleet
    }

    private func isWhole(_ report: SimulationReport, _ fleet: Fleet) -> Bool {
        let shards = fleet.classes.flatMap { Array(repeating: $0.samples, count: $0.count) }
        let samples = shards.reduce(0, +)
        return report.publishedSamples == samples && report.firstEpochSamples == shards
            && report.trainedSamples == samples * fleet.model.epochs
    }

    @Test(
        "every sample is published once and trained once an epoch, also by devices that come late, leave or slow down")
    func conserves() {
        let disturbed = fleet { fleet in
            for kind in fleet.classes.indices {
                fleet.classes[kind].lateSeconds = 20
                fleet.classes[kind].awayShare = 0.5
                fleet.classes[kind].awayAfterSeconds = 30
                fleet.classes[kind].awaySeconds = 60
                fleet.classes[kind].slowShare = 0.3
                fleet.classes[kind].slowAfterSeconds = 25
                fleet.classes[kind].slowFactor = 3
                fleet.classes[kind].samples = 199
            }
        }
        for fleet in [fleet(), disturbed] {
            for mode in [Simulation.Mode.balanced, .equal] {
                #expect(isWhole(Simulation.run(fleet, mode: mode), fleet))
            }
        }
    }

    @Test("a step waits for its samples: training ends after the slowest device's last message")
    func waits() {
        let slow = fleet { fleet in
            fleet.classes[0].uplinkBytesPerSecond = 1e5
            fleet.model.epochs = 1
        }
        let report = Simulation.run(slow, mode: .equal)
        #expect(isWhole(report, slow))
        #expect(report.seconds > report.lastArrivalSeconds)
        #expect(report.lastArrivalSeconds > 100)
    }

    @Test("no step begins before all its samples are there, not even one step ahead")
    func oneStep() {
        let fleet = fleet { $0.classes.removeLast(2) }
        let devices = (1...2).map { SimulatedDevice(FleetMember(0, number: $0, of: fleet), of: fleet, cut: 24) }
        let order = (0..<400).map { $0 % 2 }
        var server = SimulatedServer(devices: devices, order: order, batch: 16, epochs: 1)
        func isIdle() -> Bool { server.next { _ in 1 } == nil }
        // Eight samples of each device are one message of each.
        #expect(isIdle())
        server.arrived(device: 0, message: 0, missingBlocks: 0)
        #expect(isIdle())
        server.arrived(device: 1, message: 0, missingBlocks: 0)
        #expect(!isIdle())
        #expect(isIdle())
        server.arrived(device: 0, message: 1, missingBlocks: 0)
        server.arrived(device: 1, message: 1, missingBlocks: 3)
        let work = server.next { _ in 1 }
        guard case .advance = work else {
            Issue.record("a step does not wait for missing frozen blocks")
            return
        }
        #expect(isIdle())
        if let work { server.ended(work) }
        #expect(!isIdle())
    }

    @Test("credit for a round trip lets a device send ahead; without, it waits for every acknowledgement")
    func credit() {
        let ends = [12 * 600_000, 12 * 6_000_000].map { bytes in
            let fleet = fleet { fleet in
                fleet.ingestBytes = bytes
                for kind in fleet.classes.indices { fleet.classes[kind].roundTripSeconds = 10 }
            }
            return Simulation.run(fleet, mode: .equal).classes.last?.lastPublishedSeconds ?? 0
        }
        #expect(ends[0] > 3 * ends[1], "\(ends)")
    }

    @Test("the same seed gives the same run, another seed another")
    func deterministic() {
        let first = Simulation.run(fleet(), mode: .balanced)
        #expect(first == Simulation.run(fleet(), mode: .balanced))
        #expect(first.seconds != Simulation.run(fleet { $0.seed = 6 }, mode: .balanced).seconds)
    }

    @Test("balancing is faster than equal cuts where devices are unequal, and its prediction within a fifth")
    func faster() throws {
        let balanced = Simulation.run(fleet(), mode: .balanced)
        let equal = Simulation.run(fleet(), mode: .equal)
        #expect(equal.seconds > 1.5 * balanced.seconds, "\(equal.seconds) s and \(balanced.seconds) s")
        let predicted = try #require(balanced.predictedSeconds)
        #expect(abs(predicted - balanced.seconds) < 0.2 * balanced.seconds, "\(predicted), \(balanced.seconds) s")
        #expect(balanced.classes[0].meanCut < balanced.classes[2].meanCut)
    }

    @Test("where the server is what the run waits for, balancing is never slower than the deepest equal cuts")
    func serverBound() {
        for ratio in [nil, 20.0] {
            let slow = fleet { fleet in
                fleet.advanceBlockTokensPerSecond = 10_000
                fleet.stepTokensPerSecond = 500
                fleet.model.stepInBlocks = ratio
            }
            let seconds = [Simulation.Mode.balanced, .equal].map { Simulation.run(slow, mode: $0).seconds }
            #expect(seconds[0] <= 1.02 * seconds[1], "\(seconds)")
        }
    }

    @Test("a slow device never starves a fast one: beside slow devices, fast ones have published no later")
    func noStarvation() {
        let alone = fleet { $0.classes.removeFirst(2) }
        // With so slow uplinks the slow devices' credit is used up nearly always.
        let beside = fleet { fleet in
            fleet.classes[0].uplinkBytesPerSecond = 1e5
            fleet.classes[1].uplinkBytesPerSecond = 1e5
        }
        let ends = [alone, beside].map { fleet in
            Simulation.run(fleet, mode: .equal).classes.last?.lastPublishedSeconds ?? .infinity
        }
        #expect(ends[0] == ends[1])
    }

    @Test("the order of samples is that of data sizes: how fast a device is, neither brings forward nor drops one")
    func fairness() {
        // Twice the fleet, once with the speeds the other way round: what the steps train does not change.
        let reversed = fleet { fleet in
            let speeds = fleet.classes.map(\.blockTokensPerSecond).reversed()
            for (kind, speed) in speeds.enumerated() { fleet.classes[kind].blockTokensPerSecond = speed }
        }
        let reports = [fleet(), reversed].map { Simulation.run($0, mode: .balanced) }
        #expect(reports[0].classes.map(\.meanCut) != reports[1].classes.map(\.meanCut))
        #expect(reports[0].trainingOrderDigest == reports[1].trainingOrderDigest)
        #expect(reports[0].firstEpochSamples == reports[1].firstEpochSamples)
        #expect(
            reports[0].trainingOrderDigest != Simulation.run(fleet { $0.seed = 6 }, mode: .equal).trainingOrderDigest)
    }
}
