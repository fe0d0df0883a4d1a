import Datasets

/// What an epoch's steps would train in the order of the seed, and how far it has come.
struct EpochPlan {
    /// From 1; 0 before the first.
    let number: Int
    /// The samples of each step in the order of the seed. In every order the steps of an epoch are as many, and as large.
    let batches: [[SampleReference]]
    /// Steps taken so far.
    private(set) var taken: Int
    /// Whether every step so far has trained exactly what was planned for it.
    private(set) var isInOrder: Bool

    /// An epoch whose first `taken` steps have trained `used`.
    init(_ order: [SampleReference], number: Int, batch: Int, taken: Int, used: [SampleReference]) {
        self.number = number
        self.taken = taken
        batches = Batches.cut(order, size: batch)
        isInOrder = used.elementsEqual(batches.prefix(taken).joined())
    }

    /// An epoch without steps.
    init(finished number: Int) {
        (self.number, batches, taken, isInOrder) = (number, [], 0, true)
    }

    /// Whether no step is left.
    var isComplete: Bool { taken == batches.count }

    /// What the next step would train in the order of the seed. There is one.
    var planned: [SampleReference] { batches[taken] }

    mutating func take(_ samples: [SampleReference]) {
        isInOrder = isInOrder && samples == planned
        taken += 1
    }
}
