import CKernels

extension Kernels {
    /// Takes a piece of each row's logits into a running largest value and Σ e^(logit − largest), so that softmax over
    /// many columns needs only a few of them at a time.
    ///
    /// Begin with a largest value of −∞ and a sum of 0.
    public func mergeSoftmax(_ logits_NK: Matrix, largest_N: Matrix, sum_N: Matrix) {
        precondition(largest_N.count == logits_NK.rows && sum_N.count == logits_NK.rows)
        table.pointee.softmax_merge(
            logits_NK.base, logits_NK.stride, largest_N.base, sum_N.base, logits_NK.rows, logits_NK.columns)
    }

    /// Replaces a piece of each row's logits by the gradient of scale · Σ −log p(target): (p − [target]) · scale.
    ///
    /// - Parameters:
    ///   - logNormaliser_N: log Σ e^logit over all columns of the row.
    ///   - targets: the column of each row's target, counted over all pieces.
    ///   - firstColumn: where this piece begins.
    public func softmaxGradient(
        _ logits_NK: Matrix, logNormaliser_N: Matrix, targets: [Int32], firstColumn: Int, scale: Float
    ) {
        precondition(logNormaliser_N.count == logits_NK.rows && targets.count == logits_NK.rows)
        table.pointee.softmax_probabilities(
            logits_NK.base, logits_NK.stride, logNormaliser_N.base, scale, logits_NK.rows, logits_NK.columns)
        for (row, target) in targets.enumerated() {
            let column = Int(target) - firstColumn
            if (0..<logits_NK.columns).contains(column) { logits_NK[row, column] -= scale }
        }
    }
}
