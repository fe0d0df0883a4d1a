import Foundation
import Randomness
import Tensors

/// How a next token is chosen from its logits.
public struct Sampling: Sendable, Equatable {
    /// Logits are divided by it; 0 always takes the most likely token.
    public var temperature: Double
    /// Only the most likely tokens that together have this probability are drawn from (Holtzman et al., 2020).
    public var topP: Double
    /// Decides every draw.
    public var seed: UInt64

    /// The most likely token unless told otherwise.
    public init(temperature: Double = 0, topP: Double = 1, seed: UInt64 = 0) {
        self.temperature = temperature
        self.topP = topP
        self.seed = seed
    }
}

/// Draws the tokens of one sequence, one after another.
struct TokenSampler {
    private let sampling: Sampling
    private var generator: SeededGenerator

    /// - Parameter sequence: tells sequences of one seed apart.
    init(_ sampling: Sampling, sequence: Int) {
        self.sampling = sampling
        generator = SeededGenerator(seed: sampling.seed, stream: "generate/\(sequence)")
    }

    /// A token, given one row of logits over the vocabulary.
    mutating func next(_ logits: UnsafeBufferPointer<Float>) -> Int32 {
        var best = 0
        for token in logits.indices where logits[token] > logits[best] { best = token }
        guard sampling.temperature > 0 else { return Int32(best) }
        let largest = Double(logits[best])
        let weights = logits.map { exp((Double($0) - largest) / sampling.temperature) }
        let nucleus = nucleus(weights)
        var rest = generator.uniform() * nucleus.reduce(0) { $0 + weights[$1] }
        for token in nucleus {
            rest -= weights[token]
            if rest < 0 { return Int32(token) }
        }
        return Int32(nucleus.last ?? best)
    }

    /// The fewest most likely tokens whose probability reaches the limit.
    private func nucleus(_ weights: [Double]) -> [Int] {
        guard sampling.topP < 1 else { return Array(weights.indices) }
        let limit = sampling.topP * weights.reduce(0, +)
        var sum = 0.0
        var tokens: [Int] = []
        for token in weights.indices.sorted(by: { (weights[$1], $0) < (weights[$0], $1) }) {
            tokens.append(token)
            sum += weights[token]
            if sum >= limit { break }
        }
        return tokens
    }
}
