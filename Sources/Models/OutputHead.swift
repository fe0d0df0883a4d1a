import Checkpoints
import Foundation
import Tensors

/// What turns the last block's output into a loss: the final norm, K logits, and the cross-entropy of softmax.
///
/// Every sequence has targets for its last tokens, and only these tokens enter the head. One head serves all tasks:
/// label words (rows of the vocabulary's head), a trained classifier, and the whole vocabulary. The logits are computed
/// a few thousand columns at a time and once more in the backward pass, so that a [tokens, vocabulary] matrix never
/// stands in memory.
public struct OutputHead: Sendable {
    /// Columns of logits that are in memory at once.
    private static let columnsAtOnce = 4096

    /// K, the number of different targets.
    public let outputs: Int
    /// Whether targets are classes, of which each sequence has one.
    public let isClassifying: Bool
    private let model: LanguageModel
    /// Nil for the classifier, whose weights are in training.
    private let frozen_KD: Matrix?

    /// Classification by label words: one logit per class, each a row of the vocabulary's head.
    ///
    /// - Throws: what the model's source throws for a token outside the vocabulary.
    public init(model: LanguageModel, labelTokens: [Int]) throws {
        self.model = model
        isClassifying = true
        outputs = labelTokens.count
        frozen_KD = try model.headRows(labelTokens)
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
        frozen_KD = try model.headRows(Array(0..<outputs))
        model.source.releasePages()
    }

    /// Floats of a head's own weights: those of K rows of the vocabulary's head.
    public static func frozenFloats(_ model: Hyperparameters, outputs: Int) -> Int { outputs * model.width }

    /// What the head computed for the N tokens of a micro-batch that have a target.
    public struct Output: Sendable {
        let rows: [Int]
        let targets: [Int32]
        let input_ND: Matrix
        let statistics: NormStatistics
        let normed_ND: Matrix
        let weights_KD: Matrix
        let logNormaliser_N: Matrix
        /// The most likely target of each token.
        public let predictions: [Int]
        /// All logits, [N, K], where there are few enough.
        public let logits_NK: Matrix?
        /// Σ −log p(target), in nats.
        public let lossSum: Double
        /// How many predictions are right.
        public var correct: Int { zip(predictions, targets).count { $0 == $1 } }
    }

    /// F.
    ///
    /// - Parameters:
    ///   - x_TD: the last block's output.
    ///   - targets: for each sequence what its last tokens should predict, in `0..<outputs`.
    ///   - parameters: hold the classifier's weights.
    public func forward(
        _ x_TD: Matrix, layout: SequenceLayout, targets: [[Int32]], parameters: TrainableParameters?, arena: Arena
    ) -> Output {
        let rows = (0..<layout.count).flatMap { sequence in
            layout.rows(of: sequence).suffix(targets[sequence].count)
        }
        let flatTargets = targets.flatMap { $0 }
        let input_ND = gather(rows, of: x_TD, arena)
        let (normed_ND, statistics) = normalise(input_ND, arena)
        let weights_KD = weights(parameters)
        let statistics_N = arena.matrix(rows: 2, columns: rows.count)
        let (largest_N, sum_N) = (statistics_N.rows(0..<1), statistics_N.rows(1..<2))
        largest_N.fill(-.infinity)
        sum_N.fill(0)
        var targetLogits = [Float](repeating: 0, count: rows.count)
        let logits = arena.matrix(rows: rows.count, columns: min(outputs, Self.columnsAtOnce))
        var best = BestColumns(rows: rows.count)
        for columns in columnBlocks {
            let part = logits.columns(0..<columns.count)
            part.product(of: normed_ND, and: weights_KD.rows(columns), .transposed)
            model.kernels.mergeSoftmax(part, largest_N: largest_N, sum_N: sum_N)
            best.merge(part, from: columns.lowerBound)
            for (row, target) in flatTargets.enumerated() where columns.contains(Int(target)) {
                targetLogits[row] = part[row, Int(target) - columns.lowerBound]
            }
        }
        var lossSum = 0.0
        for row in rows.indices {
            let logNormaliser = Double(largest_N[0, row]) + log(Double(sum_N[0, row]))
            lossSum += logNormaliser - Double(targetLogits[row])
            largest_N[0, row] = Float(logNormaliser)
        }
        return Output(
            rows: rows, targets: flatTargets, input_ND: input_ND, statistics: statistics, normed_ND: normed_ND,
            weights_KD: weights_KD, logNormaliser_N: largest_N, predictions: best.columns,
            logits_NK: outputs <= Self.columnsAtOnce ? logits : nil, lossSum: lossSum)
    }

    /// Floats that F takes of its arena for tokens with a target: their rows, the same normed, the norm's statistics, two
    /// of softmax, and logits.
    public static func forwardFloats(_ model: Hyperparameters, targets: Int, outputs: Int) -> Int {
        let rows = 2 * model.width + NormStatistics.floatsPerRow(model.normalisation)
        return targets * (rows + 2 + min(outputs, columnsAtOnce))
    }

    /// Floats that B takes of its arena for tokens with a target: gradients of both kinds of rows, and logits.
    public static func backwardFloats(_ model: Hyperparameters, targets: Int, outputs: Int) -> Int {
        targets * (2 * model.width + min(outputs, columnsAtOnce))
    }

    /// Floats that `lastLogits` takes of its arena.
    public static func lastLogitsFloats(_ model: Hyperparameters, sequences: Int, outputs: Int) -> Int {
        sequences * (2 * model.width + NormStatistics.floatsPerRow(model.normalisation) + outputs)
    }

    /// B: writes the gradient of lossScale · Σ −log p(target) with respect to the last block's output.
    ///
    /// - Parameter classifierGradient_KD: W of a classifier: its gradient is added to this one.
    public func backward(
        _ output: Output, lossScale: Float, into gradient_TD: Matrix, classifierGradient_KD: Matrix?, scratch: Arena
    ) {
        let count = output.rows.count
        let normedGradient_ND = scratch.matrix(rows: count, columns: gradient_TD.columns)
        let memory = scratch.matrix(rows: count, columns: min(outputs, Self.columnsAtOnce))
        for columns in columnBlocks {
            let part = memory.columns(0..<columns.count)
            let weights_KD = output.weights_KD.rows(columns)
            part.product(of: output.normed_ND, and: weights_KD, .transposed)
            model.kernels.softmaxGradient(
                part, logNormaliser_N: output.logNormaliser_N, targets: output.targets,
                firstColumn: columns.lowerBound, scale: lossScale)
            normedGradient_ND.product(of: part, and: weights_KD, keep: columns.lowerBound == 0 ? 0 : 1)
            classifierGradient_KD?.rows(columns).product(of: part, .transposed, and: output.normed_ND, keep: 1)
        }
        let inputGradient_ND = scratch.matrix(rows: count, columns: gradient_TD.columns)
        inputGradient_ND.fill(0)
        model.finalNorm.backwardInput(
            normedGradient_ND, x_TD: output.input_ND, statistics: output.statistics, addTo: inputGradient_ND,
            kernels: model.kernels)
        gradient_TD.fill(0)
        for (place, row) in output.rows.enumerated() {
            gradient_TD.rows(row..<row + 1).copy(from: inputGradient_ND.rows(place..<place + 1))
        }
    }

    /// All K logits of every sequence's last token, [S, K]: for generation.
    func lastLogits(_ x_TD: Matrix, layout: SequenceLayout, arena: Arena) -> Matrix {
        let (normed_SD, _) = normalise(gather((0..<layout.count).map(layout.lastRow), of: x_TD, arena), arena)
        let logits_SK = arena.matrix(rows: layout.count, columns: outputs)
        logits_SK.product(of: normed_SD, and: weights(nil), .transposed)
        return logits_SK
    }

    private var columnBlocks: [Range<Int>] {
        stride(from: 0, to: outputs, by: Self.columnsAtOnce).map { $0..<min($0 + Self.columnsAtOnce, outputs) }
    }

    private func weights(_ parameters: TrainableParameters?) -> Matrix {
        guard let weights_KD = frozen_KD ?? parameters?.classifier_KD else {
            preconditionFailure("a classifier is part of the parameters")
        }
        return weights_KD
    }

    private func gather(_ rows: [Int], of x_TD: Matrix, _ arena: Arena) -> Matrix {
        let gathered_ND = arena.matrix(rows: rows.count, columns: x_TD.columns)
        for (place, row) in rows.enumerated() {
            gathered_ND.rows(place..<place + 1).copy(from: x_TD.rows(row..<row + 1))
        }
        return gathered_ND
    }

    private func normalise(_ x_ND: Matrix, _ arena: Arena) -> (Matrix, NormStatistics) {
        let normed_ND = arena.matrix(rows: x_ND.rows, columns: x_ND.columns)
        let statistics = NormStatistics(model.hyperparameters.normalisation, rows: x_ND.rows, arena: arena)
        model.finalNorm.forward(x_ND, into: normed_ND, statistics: statistics, kernels: model.kernels)
        return (normed_ND, statistics)
    }
}

/// The place of the largest value of each row, found piece by piece; the first of equal ones.
private struct BestColumns {
    private(set) var columns: [Int]
    private var values: [Float]

    init(rows: Int) {
        columns = Array(repeating: 0, count: rows)
        values = Array(repeating: -.infinity, count: rows)
    }

    mutating func merge(_ part: Matrix, from first: Int) {
        for row in 0..<part.rows {
            for column in 0..<part.columns where part[row, column] > values[row] {
                values[row] = part[row, column]
                columns[row] = first + column
            }
        }
    }
}
