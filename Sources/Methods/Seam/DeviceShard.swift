import Datasets

/// A device's own samples, and the batches that it makes of them: a function of seed and device alone.
public struct DeviceShard: Sendable {
    /// The device's number.
    public let device: Int
    /// Its samples, at least one.
    public let examples: [EncodedExample]
    private let batch: Int
    private let seed: UInt64

    /// - Parameter batch: sequences of a batch, at least one.
    public init(device: Int, examples: [EncodedExample], batch: Int, seed: UInt64) {
        precondition(!examples.isEmpty && batch > 0, "a device has samples, and a batch as well")
        self.device = device
        self.examples = examples
        self.batch = batch
        self.seed = seed
    }

    /// The device's batch of a number, from 0, as indices of examples. Every epoch has every sample once, in an order of
    /// its own; its last batch has what is left.
    public func batch(_ number: Int) -> [Int] {
        let position = StepPosition(after: number, samples: examples.count, batchSize: batch)
        let order = SampleOrder.deviceOrder(
            seed: seed, device: device, count: examples.count, epoch: position.epoch)
        let start = position.batch * batch
        return Array(order[start..<min(start + batch, order.count)])
    }

    /// What a message says of some of the samples.
    func samples(_ ids: [Int]) -> MessageSamples {
        MessageSamples(
            ids: ids, lengths: ids.map { examples[$0].tokens.count }, targets: ids.map { examples[$0].targets })
    }
}
