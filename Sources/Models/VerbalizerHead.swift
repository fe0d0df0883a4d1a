import Foundation
import Tensors

/// Classification by label words: logits, loss and gradient over K words at each sequence's last token only, so that
/// the head over the whole vocabulary is never formed.
public struct VerbalizerHead: Sendable {
    /// The label words' token ids, one per class.
    public let labelTokens: [Int]
    private let model: LlamaModel
    private let weights_KD: Matrix

    /// - Throws: what the model's source throws for a token outside the vocabulary.
    public init(model: LlamaModel, labelTokens: [Int]) throws {
        self.model = model
        self.labelTokens = labelTokens
        let width = model.hyperparameters.width
        weights_KD = Storage(count: labelTokens.count * width).matrix(rows: labelTokens.count, columns: width)
        try model.headRows(labelTokens, into: weights_KD)
    }

    /// What the head computed for the S sequences of a micro-batch.
    public struct Output: Sendable {
        let last_SD: Matrix
        let lastScale_S: Matrix
        /// One row per sequence, one column per class.
        public let logits_SK: Matrix
        /// Softmax of the logits.
        let probabilities_SK: Matrix

        /// The most likely class of each sequence.
        public var predictions: [Int] {
            (0..<logits_SK.rows).map { row in
                (0..<logits_SK.columns).max { logits_SK[row, $0] < logits_SK[row, $1] } ?? 0
            }
        }

        /// Σ −log p(label), in nats.
        public func lossSum(labels: [Int]) -> Double {
            zip(0..., labels).reduce(0) { sum, item in
                let (row, label) = item
                let logits = (0..<logits_SK.columns).map { Double(logits_SK[row, $0]) }
                let largest = logits.max() ?? 0
                return sum + largest + log(logits.reduce(0) { $0 + exp($1 - largest) }) - logits[label]
            }
        }

        /// How many predictions are right.
        public func correct(labels: [Int]) -> Int {
            zip(predictions, labels).count { $0 == $1 }
        }
    }

    /// - Parameter x_TD: the last block's output.
    public func forward(_ x_TD: Matrix, layout: SequenceLayout, arena: Arena) -> Output {
        let classes = labelTokens.count
        let output = Output(
            last_SD: arena.matrix(rows: layout.count, columns: x_TD.columns),
            lastScale_S: arena.matrix(rows: 1, columns: layout.count),
            logits_SK: arena.matrix(rows: layout.count, columns: classes),
            probabilities_SK: arena.matrix(rows: layout.count, columns: classes))
        for sequence in 0..<layout.count {
            let last = layout.lastRow(of: sequence)
            output.last_SD.rows(sequence..<sequence + 1).copy(from: x_TD.rows(last..<last + 1))
        }
        let normed_SD = arena.matrix(rows: layout.count, columns: x_TD.columns)
        model.kernels.rmsNorm(
            output.last_SD, weight_D: model.finalNorm_D, epsilon: model.hyperparameters.normEpsilon, into: normed_SD,
            rstd_T: output.lastScale_S)
        output.logits_SK.product(of: normed_SD, and: weights_KD, .transposed)
        for row in 0..<layout.count {
            let largest = (0..<classes).map { output.logits_SK[row, $0] }.max() ?? 0
            var sum: Float = 0
            for k in 0..<classes {
                let e = exp(output.logits_SK[row, k] - largest)
                output.probabilities_SK[row, k] = e
                sum += e
            }
            for k in 0..<classes { output.probabilities_SK[row, k] /= sum }
        }
        return output
    }

    /// B: writes the gradient of lossScale · Σ −log p(label) with respect to the last block's output.
    public func backwardInput(
        _ output: Output, labels: [Int], lossScale: Float, layout: SequenceLayout, into gradient_TD: Matrix,
        scratch: Arena
    ) {
        let classes = labelTokens.count
        let logitGradient_SK = scratch.matrix(rows: layout.count, columns: classes)
        for row in 0..<layout.count {
            for k in 0..<classes {
                let target: Float = labels[row] == k ? 1 : 0
                logitGradient_SK[row, k] = (output.probabilities_SK[row, k] - target) * lossScale
            }
        }
        let normedGradient_SD = scratch.matrix(rows: layout.count, columns: gradient_TD.columns)
        normedGradient_SD.product(of: logitGradient_SK, and: weights_KD)
        let lastGradient_SD = scratch.matrix(rows: layout.count, columns: gradient_TD.columns)
        lastGradient_SD.fill(0)
        model.kernels.rmsNormBackward(
            normedGradient_SD, x_TD: output.last_SD, weight_D: model.finalNorm_D, rstd_T: output.lastScale_S,
            addTo: lastGradient_SD)
        gradient_TD.fill(0)
        for sequence in 0..<layout.count {
            let last = layout.lastRow(of: sequence)
            gradient_TD.rows(last..<last + 1).copy(from: lastGradient_SD.rows(sequence..<sequence + 1))
        }
    }
}
