/// How the samples of a step are chosen. `docs/orders.md` says what each order does to the distribution.
public enum TrainingOrder: String, Sendable, CaseIterable {
    /// In the order of `SampleOrder`: a step waits for exactly its samples.
    case deterministic
    /// Every sample once an epoch: a step is made of those that are ready.
    case fullEpoch = "full-epoch"
    /// No step waits: what is here of a late device is trained again.
    case available

    /// Whether the samples of a step depend on what had arrived when it was taken, so that a run that goes on has to be
    /// told which they were.
    public var followsArrivals: Bool { self != .deterministic }
}
