/// Samples that a device computes together and publishes as one message.
public struct PublicationGroup: Sendable, Hashable {
    /// Which of the device's messages it is, from 1: for ever, also after a restart.
    public let sequence: UInt64
    /// Indices in the device's shard, at least one.
    public let samples: [Int]

    /// The samples of the message `sequence`.
    public init(sequence: UInt64, samples: [Int]) {
        self.sequence = sequence
        self.samples = samples
    }
}

extension SampleOrder {
    /// The groups of its own samples that a device publishes, in sending order.
    ///
    /// They are cut and numbered in the order of the first epoch, whatever the epoch: which samples go through the
    /// frozen blocks together decides the last bits of their activations, and these must be the same in a resumed run.
    /// They are sent in the order in which the epoch first needs a sample of each.
    ///
    /// - Parameters:
    ///   - lengths: the tokens of each sample of the device's shard.
    ///   - epoch: the one in which training begins or goes on, from 1.
    ///   - groupSize: the most samples of one message, at least one.
    ///   - maximumTokens: the most tokens of one message. A single sample that is longer is a message of its own.
    public static func publication(
        seed: UInt64, device: Int, lengths: [Int], epoch: Int, groupSize: Int, maximumTokens: Int
    ) -> [PublicationGroup] {
        let first = deviceOrder(seed: seed, device: device, count: lengths.count, epoch: 1)
        let groups = cut(first, lengths: lengths, groupSize: groupSize, maximumTokens: maximumTokens)
            .enumerated().map { PublicationGroup(sequence: UInt64($0.offset) + 1, samples: $0.element) }
        guard epoch > 1 else { return groups }
        var places = Array(repeating: 0, count: lengths.count)
        let order = deviceOrder(seed: seed, device: device, count: lengths.count, epoch: epoch)
        for (place, sample) in order.enumerated() { places[sample] = place }
        let needed = groups.map { group in group.samples.map { places[$0] }.min() ?? 0 }
        return groups.indices.sorted { needed[$0] < needed[$1] }.map { groups[$0] }
    }

    /// Consecutive groups, each as large as both limits allow.
    private static func cut(_ order: [Int], lengths: [Int], groupSize: Int, maximumTokens: Int) -> [[Int]] {
        var groups: [[Int]] = []
        var tokens = 0
        for sample in order {
            if let last = groups.last, last.count < groupSize, tokens + lengths[sample] <= maximumTokens {
                groups[groups.count - 1].append(sample)
                tokens += lengths[sample]
            } else {
                groups.append([sample])
                tokens = lengths[sample]
            }
        }
        return groups
    }
}
