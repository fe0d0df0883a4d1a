import CKernels

extension Kernels {
    /// What softmax and a prediction need of each row of logits: the largest one and Σ e^(logit − largest).
    ///
    /// - Returns: the column of each row's largest logit, the first of equal ones.
    public func softmaxStatistics(_ logits_NK: Matrix, largest_N: Matrix, sum_N: Matrix) -> [Int] {
        precondition(largest_N.count == logits_NK.rows && sum_N.count == logits_NK.rows)
        var best = [Int](repeating: 0, count: logits_NK.rows)
        table.pointee.softmax_statistics(
            logits_NK.base, logits_NK.stride, largest_N.base, sum_N.base, &best, logits_NK.rows, logits_NK.columns)
        return best
    }

    /// Replaces each row's logits by the gradient of −log p(target): p − [target].
    ///
    /// - Parameters:
    ///   - logNormaliser_N: log Σ e^logit of each row.
    ///   - targets: a column of each row.
    public func softmaxGradient(_ logits_NK: Matrix, logNormaliser_N: Matrix, targets: ArraySlice<Int32>) {
        precondition(logNormaliser_N.count == logits_NK.rows && targets.count == logits_NK.rows)
        table.pointee.softmax_probabilities(
            logits_NK.base, logits_NK.stride, logNormaliser_N.base, logits_NK.rows, logits_NK.columns)
        for (row, target) in targets.enumerated() { logits_NK[row, Int(target)] -= 1 }
    }
}
