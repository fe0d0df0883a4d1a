import Checkpoints
import Foundation
import Tensors

/// What turns the last block's output into a loss: the final norm, K logits, and the cross-entropy of softmax.
///
/// Every sequence has targets for its last tokens, and only these tokens enter the head: what the last block makes of
/// others is never computed. One head serves all tasks:
/// label words (rows of the vocabulary's head), a trained classifier, and the whole vocabulary. The loss's gradient with
/// respect to logits needs nothing but the logits, and so F computes it while they are there: no logit is computed twice,
/// and of a whole vocabulary's a few tokens' are in memory at once.
public struct OutputHead: Sendable {
    /// Logits of a whole vocabulary that are in memory at once: 32 MiB.
    private static let logitsAtOnce = 8 << 20
    /// Up to how many outputs the logits of all tokens stay in memory.
    private static let keptOutputs = 4096

    /// K, the number of different targets.
    public let outputs: Int
    /// Whether targets are classes, of which each sequence has one.
    public let isClassifying: Bool
    private let model: LanguageModel
    /// Nil for the classifier, whose weights are in training.
    private let frozen_KD: WeightMatrix?

    /// Classification by label words: one logit per class, each a row of the vocabulary's head.
    ///
    /// - Throws: what the model's source throws for a token outside the vocabulary.
    public init(model: LanguageModel, labelTokens: [Int]) throws {
        self.model = model
        isClassifying = true
        outputs = labelTokens.count
        frozen_KD = .f32(try model.headRows(labelTokens))
    }

    /// Classification by a linear layer that trains along with the model.
    public init(model: LanguageModel, classes: Int) {
        self.model = model
        isClassifying = true
        outputs = classes
        frozen_KD = nil
    }

    /// Language modelling: one logit for every token of the vocabulary.
    ///
    /// - Throws: what the model's source throws for a damaged head.
    public init(languageModel model: LanguageModel) throws {
        self.model = model
        isClassifying = false
        outputs = model.hyperparameters.vocabularySize
        frozen_KD = WeightMatrix(try model.headRows(Array(0..<outputs)), as: model.weightType)
    }

    /// Bytes of a head's own weights: those of K rows of the vocabulary's head, short where that is all of it.
    public static func frozenBytes(_ model: Hyperparameters, outputs: Int, weightType: WeightType) -> Int {
        let type = outputs == model.vocabularySize ? weightType : .f32
        return type.floats(outputs, model.width) * MemoryLayout<Float>.stride
    }

    /// What the head computed for the N tokens of a micro-batch that have a target.
    public struct Output: Sendable {
        let input_ND: Matrix
        let statistics: NormStatistics
        let normed_ND: Matrix
        /// The gradient of Σ −log p(target) with respect to `normed_ND`; nil if nobody asked for it.
        let normedGradient_ND: Matrix?
        /// All logits, [N, K], where there are few enough. With a gradient: the gradient with respect to them.
        public let logits_NK: Matrix?
        /// The most likely target of each token.
        public let predictions: [Int]
        /// Σ −log p(target), in nats.
        public let lossSum: Double
        /// How many predictions are right.
        public let correct: Int
    }

    /// F.
    ///
    /// - Parameters:
    ///   - x_ND: the last block's output for the tokens with a target.
    ///   - targets: what each of them should predict, in `0..<outputs`.
    ///   - parameters: hold the classifier's weights.
    ///   - needsGradient: whether B follows.
    ///   - arena: holds what is returned.
    ///   - scratch: reset it afterwards.
    public func forward(
        _ x_ND: Matrix, targets: [Int32], parameters: TrainableParameters?, needsGradient: Bool, arena: Arena,
        scratch: Arena
    ) -> Output {
        precondition(x_ND.rows == targets.count, "a row for each target")
        let count = targets.count
        let input_ND = arena.matrix(rows: count, columns: x_ND.columns)
        input_ND.copy(from: x_ND)
        let (normed_ND, statistics) = normalise(input_ND, arena)
        let weights_KD = weights(parameters)
        let gradient_ND = needsGradient ? arena.matrix(rows: count, columns: x_ND.columns) : nil
        let keepsLogits = outputs <= Self.keptOutputs || frozen_KD == nil
        let kept_NK = keepsLogits ? arena.matrix(rows: count, columns: outputs) : nil
        let tokensAtOnce = keepsLogits ? max(1, count) : Self.tokensAtOnce(count, outputs: outputs)
        let memory = kept_NK ?? scratch.matrix(rows: tokensAtOnce, columns: outputs)
        let softmax_N = scratch.matrix(rows: 2, columns: count)
        var predictions: [Int] = []
        var lossSum = 0.0
        for first in stride(from: 0, to: count, by: tokensAtOnce) {
            let part = first..<min(first + tokensAtOnce, count)
            let logits = memory.rows(0..<part.count)
            logits.product(of: normed_ND.rows(part), and: weights_KD, .transposed)
            let (largest_N, sum_N) = (softmax_N.rows(0..<1).columns(part), softmax_N.rows(1..<2).columns(part))
            predictions += model.kernels.softmaxStatistics(logits, largest_N: largest_N, sum_N: sum_N)
            for row in 0..<part.count {
                let logNormaliser = Double(largest_N[0, row]) + log(Double(sum_N[0, row]))
                lossSum += logNormaliser - Double(logits[row, Int(targets[first + row])])
                largest_N[0, row] = Float(logNormaliser)
            }
            guard let gradient_ND else { continue }
            model.kernels.softmaxGradient(logits, logNormaliser_N: largest_N, targets: targets[part])
            gradient_ND.rows(part).product(of: logits, and: weights_KD)
        }
        return Output(
            input_ND: input_ND, statistics: statistics, normed_ND: normed_ND,
            normedGradient_ND: gradient_ND, logits_NK: kept_NK, predictions: predictions, lossSum: lossSum,
            correct: zip(predictions, targets).count { $0 == $1 })
    }

    /// Floats that F takes of its arena for tokens with a target: their rows, the same normed with the norm's statistics,
    /// the gradient if B follows, and logits where there are few enough.
    public static func forwardFloats(
        _ model: Hyperparameters, targets: Int, outputs: Int, needsGradient: Bool
    ) -> Int {
        let rows = (needsGradient ? 3 : 2) * model.width + NormStatistics.floatsPerRow(model.normalisation)
        return targets * (rows + (outputs <= keptOutputs ? outputs : 0))
    }

    /// Floats that F takes of its scratch arena: two of softmax for each token with a target, and the logits of some.
    public static func forwardScratchFloats(targets: Int, outputs: Int) -> Int {
        2 * targets + (outputs <= keptOutputs ? 0 : tokensAtOnce(targets, outputs: outputs) * outputs)
    }

    /// Floats that B takes of its arena for tokens with a target: the gradient of their rows.
    public static func backwardFloats(_ model: Hyperparameters, targets: Int) -> Int { targets * model.width }

    /// How many tokens' logits are computed at once.
    private static func tokensAtOnce(_ targets: Int, outputs: Int) -> Int {
        outputs <= keptOutputs ? max(1, targets) : max(1, min(targets, logitsAtOnce / outputs))
    }

    /// Floats that `lastLogits` takes of its arena.
    public static func lastLogitsFloats(_ model: Hyperparameters, sequences: Int, outputs: Int) -> Int {
        sequences * (model.width + NormStatistics.floatsPerRow(model.normalisation) + outputs)
    }

    /// B: writes the gradient of lossScale · Σ −log p(target) with respect to what F read.
    ///
    /// - Parameters:
    ///   - output: of an F that was told of B.
    ///   - classifierGradient_KD: W of a classifier: its gradient is added to this one.
    public func backward(
        _ output: Output, lossScale: Float, into gradient_ND: Matrix, classifierGradient_KD: Matrix?, scratch: Arena
    ) {
        guard let normedGradient_ND = output.normedGradient_ND else { preconditionFailure("B without its F") }
        if let classifierGradient_KD, let logitsGradient_NK = output.logits_NK {
            classifierGradient_KD.product(
                of: logitsGradient_NK, .transposed, and: output.normed_ND, scale: lossScale, keep: 1)
        }
        let inputGradient_ND = scratch.matrix(rows: gradient_ND.rows, columns: gradient_ND.columns)
        inputGradient_ND.fill(0)
        model.finalNorm.backwardInput(
            normedGradient_ND, x_TD: output.input_ND, statistics: output.statistics, addTo: inputGradient_ND,
            kernels: model.kernels)
        gradient_ND.fill(0)
        model.kernels.add(inputGradient_ND, scale: lossScale, to: gradient_ND)
    }

    /// All K logits of every sequence's last token, [S, K]: for generation.
    func lastLogits(_ x_SD: Matrix, arena: Arena) -> Matrix {
        let (normed_SD, _) = normalise(x_SD, arena)
        let logits_SK = arena.matrix(rows: x_SD.rows, columns: outputs)
        logits_SK.product(of: normed_SD, and: weights(nil), .transposed)
        return logits_SK
    }

    private func weights(_ parameters: TrainableParameters?) -> WeightMatrix {
        guard let weights_KD = frozen_KD ?? parameters?.classifier_KD.map(WeightMatrix.f32) else {
            preconditionFailure("a classifier is part of the parameters")
        }
        return weights_KD
    }

    private func normalise(_ x_ND: Matrix, _ arena: Arena) -> (Matrix, NormStatistics) {
        let normed_ND = arena.matrix(rows: x_ND.rows, columns: x_ND.columns)
        let statistics = NormStatistics(model.hyperparameters.normalisation, rows: x_ND.rows, arena: arena)
        model.finalNorm.forward(x_ND, into: normed_ND, statistics: statistics, kernels: model.kernels)
        return (normed_ND, statistics)
    }
}
