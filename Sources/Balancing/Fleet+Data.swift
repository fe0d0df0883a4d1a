import Datasets

extension Fleet {
    /// What each device holds of all data, class by class. The shares sum to one when the classes' do.
    public var deviceShares: [Double] {
        let devices = classes.reduce(0) { $0 + $1.count }
        return classes.flatMap { kind in
            let share = kind.dataShare.map { $0 / Double(kind.count) } ?? 1 / Double(devices)
            return Array(repeating: share, count: kind.count)
        }
    }

    /// Classes whose data is skewed alike, as places of classes, and how.
    public func skewGroups(otherwise skew: Partition) -> [(skew: Partition, kinds: [Int])] {
        var groups: [(skew: Partition, kinds: [Int])] = []
        for (place, kind) in classes.enumerated() {
            let own = kind.labelSkew ?? skew
            if let group = groups.firstIndex(where: { $0.skew == own }) {
                groups[group].kinds.append(place)
            } else {
                groups.append((own, [place]))
            }
        }
        return groups
    }

    /// Gives every example to exactly one device and no device nothing: first by random samples to the classes that
    /// are skewed alike, then to their devices as their skew says.
    ///
    /// - Parameters:
    ///   - labels: the label of each example, in `0..<labelCount`.
    ///   - skew: that of classes that have none of their own.
    /// - Returns: for each device the ascending indices of its examples.
    /// - Throws: `DataError` if some device would have to be empty, or a label without a device.
    public func assign(
        labels: [Int], labelCount: Int, otherwise skew: Partition, seed: UInt64
    ) throws(DataError) -> [[Int]] {
        let shares = deviceShares
        var first = 0
        let devices = classes.map { kind in
            defer { first += kind.count }
            return Array(first..<first + kind.count)
        }
        let groups = skewGroups(otherwise: skew).map { (skew: $0.skew, devices: $0.kinds.flatMap { devices[$0] }) }
        let sums = groups.map { group in group.devices.reduce(0) { $0 + shares[$1] } }
        let parts =
            groups.count == 1
            ? [Array(labels.indices)]
            : try Partition.iid.assign(
                labels: labels, classes: labelCount, devices: groups.count, shares: sums, seed: seed)
        var shards: [[Int]] = Array(repeating: [], count: shares.count)
        for (group, part) in zip(groups, parts) {
            let inner = try group.skew.assign(
                labels: part.map { labels[$0] }, classes: labelCount, devices: group.devices.count,
                shares: group.devices.map { shares[$0] }, seed: seed)
            for (device, examples) in zip(group.devices, inner) { shards[device] = examples.map { part[$0] } }
        }
        return shards
    }
}
