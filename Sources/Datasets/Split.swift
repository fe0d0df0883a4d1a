import Randomness

/// A data set in two parts that share no group, and so no text.
public struct Split: Sendable, Equatable {
    /// The examples to train on, in random order: a limit takes the first of them.
    public let train: [Example]
    /// The examples to test on, in random order, never seen in training.
    public let test: [Example]
}

/// Splits examples into a train and a test part.
///
/// Every group draws one number in [0, 1) from the seed and itself; without a group field a group is a text. Those
/// below `testFraction` are the test part, the others the train part, each part in the order of the numbers. So the
/// side of a group depends on nothing else: not on a limit, a filter, the prompt, lines added later or the file it
/// stands in. A stricter filter can therefore never bring a text that an earlier run has trained on into the test part.
///
/// - Parameters:
///   - testExamples: examples of a file of its own, which give the test part instead; of these a `testFraction` of 0
///     takes all. What shares a group with them is not trained on.
///   - testFraction: the probability of a group to be in the test part, in [0, 1].
///   - trainLimit: how many examples of the train part to keep; nil keeps all.
/// - Throws: `DataError.tooFew` if a part that should have examples has none.
public func split(
    _ examples: [Example], testExamples: [Example]? = nil, testFraction: Double = 0.2, trainLimit: Int? = nil,
    seed: UInt64
) throws(DataError) -> Split {
    let drawn = inOrder(examples, seed: seed)
    let candidates = testExamples.map { inOrder($0, seed: seed) } ?? drawn
    let takesAll = testExamples != nil && testFraction == 0
    let test = candidates.filter { takesAll || $0.number < testFraction }.map(\.example)
    let held = testExamples == nil ? [] : Set(test.map(\.group))
    let train = drawn.filter { $0.number >= testFraction && !held.contains($0.example.group) }
        .prefix(trainLimit ?? examples.count).map(\.example)
    guard !train.isEmpty else {
        throw .tooFew(
            what: "the train part of the split", available: 0, needed: 1,
            remedy: testExamples == nil
                ? "Add data, lower data.test_fraction or data.minimum_absolute_rating, or raise data.train_limit"
                : "Add data that shares no group or text with data.test_path, or choose another data.group")
    }
    guard !test.isEmpty || (testFraction == 0 && testExamples == nil) else {
        throw .tooFew(
            what: "the test part of the split", available: 0, needed: 1,
            remedy: "Add data, or raise data.test_fraction")
    }
    return Split(train: train, test: test)
}

/// Examples with the numbers that their groups drew, in the order of the numbers.
private func inOrder(_ examples: [Example], seed: UInt64) -> [(example: Example, number: Double)] {
    // A group of many examples draws once for all of them.
    var numbers: [String: Double] = [:]
    let drawn = examples.map { example in
        if let number = numbers[example.group] { return (example: example, number: number) }
        var generator = SeededGenerator(seed: seed, stream: "split/\(example.group)")
        let number = generator.uniform()
        numbers[example.group] = number
        return (example: example, number: number)
    }
    return drawn.sorted { ($0.number, $0.example.line) < ($1.number, $1.example.line) }
}
