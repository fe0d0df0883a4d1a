/// A complete message of a store.
public struct StoredMessage: Sendable, Equatable {
    /// The device's number in the run's plan.
    public let device: UInt32
    /// The message's number, from 1.
    public let sequence: UInt64
    /// Its samples in the order of their ids, which need not be that in which they came.
    public let samples: [StoredSample]

    /// A message by its samples.
    public init(device: UInt32, sequence: UInt64, samples: [StoredSample]) {
        self.device = device
        self.sequence = sequence
        self.samples = samples
    }
}
