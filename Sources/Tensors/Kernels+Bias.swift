import CKernels

extension Kernels {
    /// Adds the row `bias_D` to every row of `x_TD`.
    public func addRow(_ bias_D: Matrix, to x_TD: Matrix) {
        precondition(bias_D.isContiguous && bias_D.count == x_TD.columns)
        table.pointee.add_row(bias_D.base, x_TD.base, x_TD.stride, x_TD.rows, x_TD.columns)
    }

    /// Adds the sum of all rows of `gradient_TD` to `sums_D`: the gradient of `addRow` with respect to the row.
    public func addColumnSums(of gradient_TD: Matrix, to sums_D: Matrix) {
        precondition(sums_D.isContiguous && sums_D.count == gradient_TD.columns)
        table.pointee.add_column_sums(
            gradient_TD.base, gradient_TD.stride, sums_D.base, gradient_TD.rows, gradient_TD.columns)
    }
}
