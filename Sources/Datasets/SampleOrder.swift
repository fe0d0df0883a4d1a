import Randomness

/// One sample of a run: a device, and the index of the sample in that device's shard.
public struct SampleReference: Sendable, Hashable {
    /// The device that holds the sample.
    public let device: Int
    /// The sample's index in the device's shard, from 0.
    public let index: Int

    /// The sample `index` of `device`.
    public init(device: Int, index: Int) {
        self.device = device
        self.index = index
    }
}

/// The order in which the samples of all devices are trained: a pure function of the seed, the shard sizes and the
/// epoch.
///
/// Each device's samples are permuted, and the devices are then interleaved by a uniformly random arrangement of
/// their turns, in which a device has as many turns as samples. The result is a uniformly random permutation of all
/// samples, and yet a device needs to know only its own number and its own shard size to publish in training order.
public enum SampleOrder {
    /// The order of one device's own samples.
    ///
    /// - Parameters:
    ///   - count: the size of the device's shard.
    ///   - epoch: the epoch; each has an order of its own.
    /// - Returns: a permutation of `0..<count`.
    public static func deviceOrder(seed: UInt64, device: Int, count: Int, epoch: Int) -> [Int] {
        var generator = SeededGenerator(seed: seed, stream: "order/device-\(device)/epoch-\(epoch)")
        return generator.permutation(count)
    }

    /// The groups of its own samples that a device publishes, one message each.
    ///
    /// They are cut in the order of the first epoch, whatever the epoch: which samples go through the frozen blocks
    /// together decides the last bits of their activations, and these must be the same in a resumed run. They are sent
    /// in the order in which the epoch first needs a sample of each.
    ///
    /// - Parameters:
    ///   - count: the size of the device's shard.
    ///   - epoch: the one in which training begins or goes on, from 1.
    ///   - groupSize: samples of one message, at least one; the last group of the first epoch keeps what is left.
    public static func publication(
        seed: UInt64, device: Int, count: Int, epoch: Int, groupSize: Int
    ) -> [[Int]] {
        let groups = Batches.cut(
            deviceOrder(seed: seed, device: device, count: count, epoch: 1), size: groupSize)
        guard epoch > 1 else { return groups }
        var places = Array(repeating: 0, count: count)
        for (place, sample) in deviceOrder(seed: seed, device: device, count: count, epoch: epoch).enumerated() {
            places[sample] = place
        }
        let needed = groups.map { group in group.map { places[$0] }.min() ?? 0 }
        return groups.indices.sorted { needed[$0] < needed[$1] }.map { groups[$0] }
    }

    /// The order of all samples of an epoch. Its restriction to one device is that device's `deviceOrder`.
    ///
    /// - Parameter counts: the shard size of each device.
    public static func global(seed: UInt64, counts: [Int], epoch: Int) -> [SampleReference] {
        var generator = SeededGenerator(seed: seed, stream: "order/mix/epoch-\(epoch)")
        let turns = counts.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
            .shuffled(using: &generator)
        var remaining = counts.enumerated().map { device, count in
            deviceOrder(seed: seed, device: device, count: count, epoch: epoch)[...]
        }
        return turns.map { SampleReference(device: $0, index: remaining[$0].removeFirst()) }
    }
}
