import Foundation

/// How Llama 3 stretches the wavelengths of its rotation: long ones by a factor, short ones not, and those between by
/// a mixture (transformers, `_compute_llama3_parameters`).
struct Llama3Scaling: Equatable {
    var factor: Double
    /// Wavelengths beyond `originalContext / lowFrequencyFactor` are stretched by the whole factor.
    var lowFrequencyFactor: Double
    /// Wavelengths below `originalContext / highFrequencyFactor` stay.
    var highFrequencyFactor: Double
    /// Tokens of a sequence in pre-training.
    var originalContext: Double

    /// What each pair's frequency is divided by.
    func factors(base: Double, headDimension: Int) -> [Float] {
        wavelengths(base, headDimension).map { wavelength in
            let turns = originalContext / wavelength
            if turns < lowFrequencyFactor { return Float(factor) }
            if turns > highFrequencyFactor { return 1 }
            let share = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
            return Float(1 / ((1 - share) / factor + share))
        }
    }

    /// Finds the parameters that give these factors, for a file that wants them, or nil when there are none.
    ///
    /// The share of an unstretched frequency grows linearly with a pair's turns, so two pairs in the mixed band tell the
    /// band's ends; only their ratio to the original context counts, so the lower one is set to 1.
    init?(giving factors: [Float], base: Double, headDimension: Int) {
        guard let whole = factors.last, whole > 1, factors.count == headDimension / 2 else { return nil }
        let stretch = Double(whole)
        var mixed: [(frequency: Double, share: Double)] = []
        for (wavelength, factor) in zip(wavelengths(base, headDimension), factors) where factor > 1 && factor < whole {
            mixed.append((1 / wavelength, (1 / Double(factor) - 1 / stretch) / (1 - 1 / stretch)))
        }
        var candidates = [Llama3Scaling(stretch, high: 4, context: 8192)]
        if let first = mixed.first, let last = mixed.last, first.frequency > last.frequency {
            let slope = (first.share - last.share) / (first.frequency - last.frequency)
            let high = 1 + 1 / (slope * first.frequency - first.share)
            let context = (slope * (high - 1)).rounded()
            candidates.append(Llama3Scaling(stretch, high: high, context: context))
            // Published models have whole numbers here.
            candidates.append(Llama3Scaling(stretch, high: high.rounded(), context: context))
        } else if let only = mixed.first {
            candidates.append(
                Llama3Scaling(stretch, high: 4, context: ((3 * only.share + 1) / only.frequency).rounded()))
        }
        let fitting = candidates.last { candidate in
            guard (1...1e12).contains(candidate.originalContext), candidate.highFrequencyFactor > 1 else {
                return false
            }
            let given = candidate.factors(base: base, headDimension: headDimension)
            return zip(given, factors).allSatisfy { abs($0 - $1) <= 1e-5 * $1 }
        }
        guard let fitting else { return nil }
        self = fitting
    }

    init(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Double) {
        self.factor = factor
        self.lowFrequencyFactor = lowFrequencyFactor
        self.highFrequencyFactor = highFrequencyFactor
        self.originalContext = originalContext
    }

    private init(_ factor: Double, high: Double, context: Double) {
        self.init(factor: factor, lowFrequencyFactor: 1, highFrequencyFactor: high, originalContext: context)
    }
}

/// Tokens after which each pair has turned once.
private func wavelengths(_ base: Double, _ headDimension: Int) -> [Double] {
    (0..<headDimension / 2).map { 2 * Double.pi * pow(base, Double(2 * $0) / Double(headDimension)) }
}
