import Randomness

/// A rule by which the examples are spread over the devices.
public enum Partition: Sendable, Equatable {
    /// Every device holds a random sample of all examples.
    case iid
    /// Each class is spread over the devices in proportions drawn from a Dirichlet distribution whose mean is the
    /// devices' shares; the smaller alpha, the fewer devices hold a class (Hsu et al., 2019, section 3).
    case dirichlet(alpha: Double)
    /// Device d holds only examples of class `d mod classes`; the devices of a class divide it by their shares.
    case oneLabelPerDevice
}

extension Partition {
    /// Gives every example to exactly one device and no device nothing.
    ///
    /// - Parameters:
    ///   - labels: the class of each example, in `0..<classes`.
    ///   - classes: the number of classes.
    ///   - devices: the number of devices, at least one.
    ///   - shares: how much of the data each device should hold, in any unit; nil means equal shares.
    ///   - seed: the run's seed.
    /// - Returns: for each device the ascending indices of its examples.
    /// - Throws: `DataError.tooFew` if some device would have to be empty.
    public func assign(
        labels: [Int], classes: Int, devices: Int, shares: [Double]? = nil, seed: UInt64
    ) throws(DataError) -> [[Int]] {
        let shares = shares ?? Array(repeating: 1, count: devices)
        precondition(devices > 0 && shares.count == devices, "one share per device")
        precondition(shares.allSatisfy { $0 > 0 && $0.isFinite }, "shares are positive")
        guard labels.count >= devices else {
            throw .tooFew(
                what: "a partition over \(devices) devices", available: labels.count, needed: devices,
                remedy: "Use fewer devices (devices.cuts), or more data")
        }
        var generator = SeededGenerator(seed: seed, stream: "partition")
        let order = generator.permutation(labels.count)
        var shards: [[Int]]
        switch self {
        case .iid:
            shards = deal(order, by: shares)
            fillEmpty(&shards)
        case .dirichlet(let alpha):
            shards = Array(repeating: [], count: devices)
            for label in 0..<classes {
                let skewed = dirichletShares(mean: shares, concentration: alpha * Double(devices), using: &generator)
                for (device, part) in deal(order.filter { labels[$0] == label }, by: skewed).enumerated() {
                    shards[device] += part
                }
            }
            fillEmpty(&shards)
        case .oneLabelPerDevice:
            shards = try dealByLabel(order: order, labels: labels, classes: classes, shares: shares)
        }
        return shards.map { $0.sorted() }
    }
}

/// Deals examples out in the given order, so many to each device as its share says.
private func deal(_ examples: [Int], by shares: [Double]) -> [[Int]] {
    var rest = examples[...]
    return apportion(examples.count, by: shares).map { count in
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }
}

private func dealByLabel(
    order: [Int], labels: [Int], classes: Int, shares: [Double]
) throws(DataError) -> [[Int]] {
    guard shares.count >= classes else {
        throw .tooFewDevices(devices: shares.count, labels: classes)
    }
    var shards: [[Int]] = Array(repeating: [], count: shares.count)
    for label in 0..<classes {
        let holders = Array(stride(from: label, to: shares.count, by: classes))
        let examples = order.filter { labels[$0] == label }
        guard examples.count >= holders.count else {
            throw .tooFew(
                what: "label \(label) on \(holders.count) devices", available: examples.count, needed: holders.count,
                remedy: "Use fewer devices (devices.cuts), more data, or another devices.partition")
        }
        var parts = deal(examples, by: holders.map { shares[$0] })
        fillEmpty(&parts)
        for (device, part) in zip(holders, parts) { shards[device] = part }
    }
    return shards
}

/// A draw from the Dirichlet distribution with the given mean: `concentration` times the mean are its parameters.
private func dirichletShares(
    mean: [Double], concentration: Double, using generator: inout SeededGenerator
) -> [Double] {
    let sum = mean.reduce(0, +)
    let draws = mean.map { generator.gamma(shape: concentration * $0 / sum) }
    guard draws.contains(where: { $0 > 0 }) else {
        // With a tiny concentration every draw can underflow to zero: then one share takes all, as in the limit.
        let target = generator.uniform() * sum
        var reached = 0.0
        let winner = mean.firstIndex { share in
            reached += share
            return target < reached
        }
        return mean.indices.map { $0 == (winner ?? mean.count - 1) ? 1 : 0 }
    }
    return draws
}
