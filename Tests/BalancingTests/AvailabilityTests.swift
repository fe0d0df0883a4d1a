import Datasets
import Randomness
import Testing

@testable import Balancing

@Suite("Availability")
struct AvailabilityTests {
    private static let seed: UInt64 = 63

    private func random(_ draw: Int) -> (Availability, SeededGenerator) {
        var generator = SeededGenerator(seed: Self.seed, stream: "availability/\(draw)")
        var edges = (0..<6).map { _ in 1 + 98 * generator.uniform() }.sorted()
        if draw % 3 == 0 { edges[5] = 100 }
        if draw % 4 == 0 { edges[0] = 0 }
        let windows = stride(from: 0, to: 6, by: 2).map { Availability.Window(from: edges[$0], to: edges[$0 + 1]) }
        let begin = 400 * generator.uniform()
        return (
            Availability(
                windows: draw % 5 == 0 ? [] : windows, periodSeconds: 100, joinsAt: 150 * generator.uniform(),
                away: draw % 2 == 0 ? begin..<begin + 130 : nil), generator
        )
    }

    /// Whether a device is there, from the meaning of each part.
    private func isThere(_ availability: Availability, _ time: Double) -> Bool {
        let place = time.truncatingRemainder(dividingBy: availability.periodSeconds)
        return time >= availability.joinsAt && !(availability.away?.contains(time) ?? false)
            && (availability.windows.isEmpty || availability.windows.contains { $0.from <= place && place < $0.to })
    }

    @Test("stretches hold exactly the times at which the device is there: 200 random ones")
    func stretches() {
        for draw in 0..<200 {
            var (availability, generator) = random(draw)
            let found = availability.stretches(from: 20, to: 700)
            for _ in 0..<50 {
                let time = 20 + 680 * generator.uniform()
                #expect(found.contains { $0.contains(time) } == isThere(availability, time), "draw \(draw), \(time)")
            }
        }
    }

    @Test("work ends when the device was there for as long as it takes, and not outside: 200 random ones")
    func ends() {
        for draw in 0..<200 {
            var (availability, generator) = random(draw)
            let start = 300 * generator.uniform(), seconds = 200 * generator.uniform()
            let end = availability.end(of: seconds, from: start)
            #expect(abs(availability.seconds(from: start, to: end) - seconds) < 1e-6, "draw \(draw)")
            #expect(isThere(availability, end - 1e-6), "draw \(draw)")
        }
    }

    @Test("work that fills a window to its end is done there, not a period later, also as a sum of rounded parts")
    func boundaries() {
        let availability = Availability(windows: [.init(from: 0, to: 1)], periodSeconds: 10)
        var time = 0.0
        for _ in 0..<10 { time = availability.end(of: 0.1, from: time) }
        #expect(abs(time - 1) < 1e-9)
        #expect(availability.end(of: 0.5, from: time) == 10.5 && availability.end(of: 3, from: 0) == 21)
    }

    @Test("a simulated fleet that is there half of the time publishes half as fast")
    func simulated() {
        var fleet = Fleet()
        fleet.model = ModelFacts(
            frozenBlocks: 8, bytesPerToken: 100, memoryBytesPerBlock: 1, fixedMemoryBytes: 0, epochs: 1)
        (fleet.advanceBlockTokensPerSecond, fleet.stepTokensPerSecond, fleet.noise) = (1e9, 1e9, 0)
        var kind = Fleet.DeviceClass()
        (kind.count, kind.samples, kind.blockTokensPerSecond, kind.uplinkBytesPerSecond) = (3, 100, 1000, 1e9)
        (kind.memoryBytes, kind.spread) = (1 << 20, 0)
        fleet.classes = [kind]
        let always = Simulation.run(fleet, mode: .equal).lastArrivalSeconds
        fleet.classes[0].windows = [.init(from: 0, to: 1)]
        fleet.classes[0].windowPeriodSeconds = 2
        let half = Simulation.run(fleet, mode: .equal)
        #expect(abs(half.lastArrivalSeconds / always - 2) < 0.05 && half.trainedSamples == 300)
    }

    @Test("events come in the order of time, and those of the same time in the order of scheduling")
    func queue() {
        var generator = SeededGenerator(seed: Self.seed, stream: "queue")
        var queue = EventQueue<Int>()
        let times = (0..<500).map { _ in Double(Int.random(in: 0..<20, using: &generator)) }
        for (number, time) in times.enumerated() { queue.schedule(number, at: time) }
        var found: [Int] = []
        while let (time, number) = queue.next() {
            #expect(time == times[number])
            found.append(number)
        }
        #expect(found == times.indices.sorted { (times[$0], $0) < (times[$1], $1) })
    }
}

@Suite("Data of a fleet")
struct FleetDataTests {
    private static let seed: UInt64 = 64

    private func fleet(_ classes: [(count: Int, share: Double?, skew: Partition?)]) -> Fleet {
        var fleet = Fleet()
        fleet.classes = classes.map {
            var kind = Fleet.DeviceClass()
            (kind.count, kind.dataShare, kind.labelSkew) = $0
            return kind
        }
        return fleet
    }

    private let labels = (0..<1200).map { $0 % 3 }

    @Test("every example is somewhere once, classes hold their shares, and each is skewed as it says")
    func mixed() throws {
        let fleet = fleet([(4, 0.5, .oneLabelPerDevice), (2, 0.25, nil), (3, 0.25, .dirichlet(alpha: 0.1))])
        let shards = try fleet.assign(labels: labels, labelCount: 3, otherwise: .iid, seed: Self.seed)
        #expect(shards.flatMap { $0 }.sorted() == Array(labels.indices))
        #expect(shards.allSatisfy { !$0.isEmpty && $0 == $0.sorted() })
        let sizes = [0..<4, 4..<6, 6..<9].map { $0.reduce(0) { $0 + shards[$1].count } }
        #expect(sizes == [600, 300, 300])
        #expect(shards[0..<4].allSatisfy { Set($0.map { labels[$0] }).count == 1 })
        #expect(shards[4..<6].allSatisfy { $0.count == 150 && Set($0.map { labels[$0] }).count == 3 })
    }

    @Test("a fleet that is skewed alike is spread as the data's own rule spreads it")
    func alike() throws {
        let fleet = fleet([(2, 0.6, nil), (3, 0.4, nil)])
        for skew in [Partition.iid, .dirichlet(alpha: 0.5), .oneLabelPerDevice] {
            let shards = try fleet.assign(labels: labels, labelCount: 3, otherwise: skew, seed: Self.seed)
            let plain = try skew.assign(
                labels: labels, classes: 3, devices: 5, shares: fleet.deviceShares, seed: Self.seed)
            #expect(shards == plain)
        }
        #expect(abs(fleet.deviceShares.reduce(0, +) - 1) < 1e-12)
    }
}
