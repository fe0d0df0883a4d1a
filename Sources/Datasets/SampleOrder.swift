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
