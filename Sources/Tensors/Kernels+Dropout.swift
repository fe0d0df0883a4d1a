import CKernels

extension Kernels {
    /// Zeroes a share of the elements of `x_TI` and scales the others by 1 / (1 - rate) (Srivastava et al., 2014).
    ///
    /// Which elements stay depends on the row's key, the site's key and the column alone, so that no mask is stored:
    /// the same call on the output's gradient is the backward pass.
    ///
    /// - Parameters:
    ///   - out_TI: may be `x_TI`.
    ///   - rowKeys: one for each row, such as a hash of the sample, its token and the step.
    ///   - siteKey: another one for each place of the model that drops elements.
    ///   - rate: the share that is zeroed, at least 0 and below 1.
    public func dropout(
        _ x_TI: Matrix, into out_TI: Matrix, rowKeys: UnsafePointer<UInt64>, siteKey: UInt64, rate: Float
    ) {
        precondition(x_TI.rows == out_TI.rows && x_TI.columns == out_TI.columns)
        table.pointee.dropout(
            x_TI.base, x_TI.stride, out_TI.base, out_TI.stride, x_TI.rows, x_TI.columns,
            pf_dropout(rowKeys, siteKey, rate))
    }

    /// Adds what `dropout` makes of `x_TI` to `y_TI`.
    public func addDropout(
        _ x_TI: Matrix, to y_TI: Matrix, rowKeys: UnsafePointer<UInt64>, siteKey: UInt64, rate: Float
    ) {
        precondition(x_TI.rows == y_TI.rows && x_TI.columns == y_TI.columns)
        table.pointee.add_dropout(
            x_TI.base, x_TI.stride, y_TI.base, y_TI.stride, x_TI.rows, x_TI.columns,
            pf_dropout(rowKeys, siteKey, rate))
    }
}

extension pf_dropout {
    fileprivate init(_ rowKeys: UnsafePointer<UInt64>, _ siteKey: UInt64, _ rate: Float) {
        precondition(rate >= 0 && rate < 1, "a dropout rate of \(rate) keeps nothing or more than everything")
        self.init(
            row_keys: rowKeys, site_key: siteKey, threshold: UInt32(Double(rate) * 0x1p32),
            scale: Float(1 / (1 - Double(rate))))
    }
}
