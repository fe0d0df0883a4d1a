/// How far a result may be from the reference's.
///
/// They leave room for another order of sums, not for another formula.
enum Tolerance {
    /// Residual streams and logits, absolute.
    static let activation = 1e-4
    /// The same where the inputs of products are rounded to 8 bits, absolute.
    static let roundedActivation = 2e-2
    /// Loss and gradient norm before training, absolute.
    static let loss = 1e-5
    /// Each gradient tensor, relative to its largest element.
    static let gradient = 1e-3
    /// Losses of training steps, absolute.
    static let trainingLoss = 1e-4
    /// Each adapter tensor after training, relative to its largest element. Ten times this would let an optimizer pass
    /// that forgets most of its weight decay.
    static let trainedAdapter = 1e-4
    /// Perplexity of text that the real model understands, relative.
    static let prosePerplexity = 0.01
    /// Perplexity of text that it does not, relative: every token's surprise is larger there, and so is its error.
    static let shuffledPerplexity = 0.02
}

/// The largest |found − expected|; infinite when the counts differ or something is not a number.
func largestDifference(_ found: [Float], _ expected: [Float]) -> Double {
    guard found.count == expected.count else { return .infinity }
    return zip(found, expected).reduce(0) { largest, pair in
        let difference = abs(Double(pair.0) - Double(pair.1))
        return difference.isNaN ? .infinity : max(largest, difference)
    }
}

/// The largest |found − expected| relative to the largest |expected|.
func largestRelativeDifference(_ found: [Float], _ expected: [Float]) -> Double {
    largestDifference(found, expected) / expected.reduce(0) { max($0, abs(Double($1))) }
}
