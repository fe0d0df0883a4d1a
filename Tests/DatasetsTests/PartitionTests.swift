import Datasets
import Foundation
import Randomness
import Testing

@Suite("Partitions over devices")
struct PartitionTests {
    static let rules: [Partition] = [
        .iid, .dirichlet(alpha: 1e-6), .dirichlet(alpha: 0.5), .dirichlet(alpha: 1e6), .oneLabelPerDevice,
    ]

    @Test(
        "every example is on exactly one device and no device is empty",
        arguments: rules, 1...6 as ClosedRange<UInt64>)
    func complete(rule: Partition, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed, stream: "test/partition")
        let classes = Int.random(in: 2...4, using: &generator)
        let devices = Int.random(in: classes...12, using: &generator)
        let shares = (0..<devices).map { _ in 0.01 + generator.uniform() }
        let count = Int.random(in: devices * classes...500, using: &generator)
        let labels = randomLabels(count, classes: classes, minimum: devices, seed: seed)
        let shards = try rule.assign(labels: labels, classes: classes, devices: devices, shares: shares, seed: seed)
        #expect(shards.count == devices)
        #expect(shards.joined().sorted() == Array(0..<count))
        #expect(shards.allSatisfy { !$0.isEmpty && $0 == $0.sorted() })
        let again = try rule.assign(labels: labels, classes: classes, devices: devices, shares: shares, seed: seed)
        #expect(again == shards)
    }

    @Test("iid shards are as large as their shares, and mixed as the whole is")
    func iid() throws {
        let labels = randomLabels(6_000, classes: 2, minimum: 1, seed: 2)
        let shards = try Partition.iid.assign(labels: labels, classes: 2, devices: 3, shares: [1, 2, 3], seed: 7)
        #expect(shards.map(\.count) == [1_000, 2_000, 3_000])
        for shard in shards {
            let ones = shard.filter { labels[$0] == 1 }.count
            #expect(abs(Double(ones) / Double(shard.count) - 0.5) < 0.06)
        }
    }

    @Test("another seed gives another partition")
    func seeds() throws {
        let labels = randomLabels(200, classes: 2, minimum: 10, seed: 2)
        for rule in Self.rules {
            let one = try rule.assign(labels: labels, classes: 2, devices: 4, seed: 1)
            #expect(one != (try rule.assign(labels: labels, classes: 2, devices: 4, seed: 2)), "\(rule)")
        }
    }

    @Test("the skew of a Dirichlet partition falls as alpha grows")
    func skew() throws {
        let labels = (0..<4_000).map { $0 % 4 }
        let skews = try [0.05, 0.5, 5, 500].map { alpha in
            try (1...10).map { try skew(.dirichlet(alpha: alpha), labels: labels, seed: $0) }.reduce(0, +) / 10
        }
        #expect(skews == skews.sorted(by: >), "\(skews)")
        #expect(skews[0] > 0.5)
        #expect(skews[3] < 0.05)
    }

    @Test("the mean size of a Dirichlet shard follows its share")
    func meanShares() throws {
        let labels = (0..<1_000).map { $0 % 2 }
        let means = try (0..<400).reduce(into: [0.0, 0.0, 0.0]) { means, seed in
            let shards = try Partition.dirichlet(alpha: 1).assign(
                labels: labels, classes: 2, devices: 3, shares: [1, 2, 5], seed: UInt64(seed))
            for device in 0..<3 { means[device] += Double(shards[device].count) / 400 }
        }
        for (mean, expected) in zip(means, [125.0, 250, 625]) { #expect(abs(mean - expected) < 35, "\(means)") }
    }

    @Test("one label per device: a device holds one label, and the devices of a label divide it by share")
    func oneLabel() throws {
        let labels = (0..<900).map { $0 < 300 ? 0 : 1 }
        let shards = try Partition.oneLabelPerDevice.assign(
            labels: labels, classes: 2, devices: 4, shares: [2, 1, 1, 3], seed: 7)
        #expect(shards.map { Set($0.map { labels[$0] }) } == [[0], [1], [0], [1]])
        #expect(shards.map(\.count) == [200, 150, 100, 450])
    }

    @Test("shares of any size are apportioned", arguments: [1e-300, 1, 1e308])
    func extremeShares(unit: Double) throws {
        let labels = (0..<100).map { $0 % 2 }
        let shards = try Partition.iid.assign(
            labels: labels, classes: 2, devices: 3, shares: [unit, unit * 0.5, unit * 0.5], seed: 7)
        #expect(shards.map(\.count) == [50, 25, 25])
    }

    @Test("fewer devices than labels are refused for one label per device")
    func tooFewDevices() {
        #expect(throws: DataError.tooFewDevices(devices: 2, labels: 3)) {
            try Partition.oneLabelPerDevice.assign(labels: [0, 1, 2, 0], classes: 3, devices: 2, seed: 7)
        }
    }

    @Test("fewer examples than devices are refused", arguments: rules)
    func tooFewExamples(rule: Partition) {
        let error = #expect(throws: DataError.self) {
            try rule.assign(labels: [0, 1, 1], classes: 2, devices: 4, seed: 7)
        }
        #expect(error?.exitCode == .dataTooFew)
    }

    @Test("a label with fewer examples than its devices is refused")
    func tooFewOfOneLabel() {
        #expect(throws: DataError.self) {
            try Partition.oneLabelPerDevice.assign(
                labels: [0, 1, 1, 1, 1, 1], classes: 2, devices: 4, seed: 7)
        }
    }

    /// The mean total variation distance between a device's labels and all labels, weighted by shard size.
    private func skew(_ rule: Partition, labels: [Int], seed: UInt64) throws -> Double {
        let shards = try rule.assign(labels: labels, classes: 4, devices: 8, seed: seed)
        return shards.reduce(0) { sum, shard in
            let distance = (0..<4).reduce(0.0) { total, label in
                total + abs(Double(shard.filter { labels[$0] == label }.count) / Double(shard.count) - 0.25)
            }
            return sum + distance / 2 * Double(shard.count) / Double(labels.count)
        }
    }
}
