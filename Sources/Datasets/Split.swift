import Randomness

/// A data set in two parts that share no text.
public struct Split: Sendable, Equatable {
    /// The examples to train on, in random order: a limit takes the first of them.
    public let train: [Example]
    /// The examples to test on, in random order, never seen in training.
    public let test: [Example]
}

/// Splits examples into a train and a test part.
///
/// Every text draws one number in [0, 1) from the seed and itself. Those below `testFraction` are the test part, the
/// others the train part, each part in the order of the numbers. So the side of a text depends on nothing else: not on
/// a limit, not on a filter, not on lines added later, and equal texts are always on the same side. A stricter filter
/// can therefore never bring a text that an earlier run has trained on into the test part.
///
/// - Parameters:
///   - testFraction: the probability of a text to be in the test part, in [0, 1].
///   - trainLimit: how many examples of the train part to keep; nil keeps all.
/// - Throws: `DataError.tooFew` if a part that should have examples has none.
public func split(
    _ examples: [Example], testFraction: Double = 0.2, trainLimit: Int? = nil, seed: UInt64
) throws(DataError) -> Split {
    let drawn = examples.map { example in
        var generator = SeededGenerator(seed: seed, stream: "split/\(example.text)")
        return (example: example, number: generator.uniform())
    }
    let ordered = drawn.sorted { ($0.number, $0.example.line) < ($1.number, $1.example.line) }
    let test = ordered.prefix { $0.number < testFraction }.map(\.example)
    let train = ordered.dropFirst(test.count).prefix(trainLimit ?? examples.count).map(\.example)
    guard !train.isEmpty else {
        throw .tooFew(
            what: "the train part of the split", available: 0, needed: 1,
            remedy: "Add data, lower data.test_fraction or data.minimum_absolute_rating, or raise data.train_limit")
    }
    guard !test.isEmpty || testFraction == 0 else {
        throw .tooFew(
            what: "the test part of the split", available: 0, needed: 1,
            remedy: "Add data, or raise data.test_fraction")
    }
    return Split(train: train, test: test)
}
