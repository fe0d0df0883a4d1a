import Balancing
import Methods
import Models
import Testing

@testable import Experiments

@Suite("Runs over a shared band")
struct SharedBandTests {
    private static func bench(blockSeconds: Double = 1) throws -> ExperimentBench {
        var bench = try ExperimentBench(length: 6)
        bench.counts = [10, 10, 10]
        bench.fleet.radio.bandwidthHertz = 1e5
        bench.fleet.radio.blockSeconds = blockSeconds
        for place in bench.fleet.classes.indices { bench.fleet.classes[place].distanceMetres = 100 * Double(place + 1) }
        return bench
    }

    @Test("who sends alone has the whole band: in one block of fading SplitLoRA's uploads take bytes ÷ its rate")
    func alone() throws {
        let bench = try Self.bench(blockSeconds: 1e9)
        let result = try bench.run(.splitlora(averagingSteps: 1000), budget: 300).run()
        let channel = try #require(RadioChannel(bench.fleet))
        // All but the last mean is sent by one device at a time.
        for (place, device) in result.devices.enumerated() {
            let rate = 1e5 * channel.efficiency(of: place, block: 0) / 8
            #expect(device.uploadSeconds >= 0.999 * Double(device.bytesUp) / rate)
            #expect(device.uploadSeconds < 1.5 * Double(device.bytesUp) / rate)
        }
    }

    @Test("fading changes times, and nothing that is learned")
    func fading() throws {
        let slow = try Self.bench(blockSeconds: 1e9).run(.fedlora(localSteps: 2)).run()
        let fast = try Self.bench(blockSeconds: 0.1).run(.fedlora(localSteps: 2)).run()
        #expect(slow.points.map(\.loss) == fast.points.map(\.loss))
        #expect(slow.points.last?.simulatedSeconds != fast.points.last?.simulatedSeconds)
    }

    @Test("TSFA sends fewer bytes than all ranks when its limit is tight, repeats to the bit, and needs a band")
    func allocation() throws {
        let bench = try Self.bench()
        func soft(_ limit: Double) -> MethodSettings {
            .soft(.init(localSteps: 2, allocation: .init(limitSeconds: limit)))
        }
        let tight = try bench.run(soft(0.5), budget: 1200).run(), loose = try bench.run(soft(1e4), budget: 1200).run()
        #expect(tight.payload(isUp: true) < loose.payload(isUp: true))
        #expect((tight.points.last?.simulatedSeconds ?? 0) < (loose.points.last?.simulatedSeconds ?? 0))
        #expect(try bench.run(soft(0.5), budget: 1200).run().withoutMeasures == tight.withoutMeasures)
        #expect(tight.devices.contains { ($0.queueSeconds ?? 0) > 0 })
        // A channel that carries everything is no reason for a smaller rank.
        #expect(loose.rank == ExperimentBench.rank && (tight.rank ?? 99) <= ExperimentBench.rank)
        #expect(throws: ExperimentError.noSharedBand) { try ExperimentBench().run(soft(1)) }
    }

    @Test("TSFA's mean latency, as it was and not as it was planned, ends under the limit that all ranks break")
    func latency() throws {
        var bench = try Self.bench(blockSeconds: 0.2)
        for place in bench.fleet.classes.indices { bench.fleet.classes[place].fp32FlopsPerSecond = 1e9 }
        let free = try bench.run(.soft(.init(localSteps: 2, sparsity: 0)), budget: 18_000).run()
        let limit = try #require(free.devices.compactMap(\.roundSeconds).max()) / 2
        let allocation = MethodSettings.Allocation(limitSeconds: limit, pilotSteps: 0)
        let held = try bench.run(.soft(.init(localSteps: 2, allocation: allocation)), budget: 18_000).run()
        #expect(held.devices.allSatisfy { ($0.roundSeconds ?? .infinity) <= limit })
        #expect(held.payload(isUp: true) < free.payload(isUp: true))
    }
}
