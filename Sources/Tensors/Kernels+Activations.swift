import CKernels

extension Kernels {
    /// out = silu(gate) · up (Shazeer, 2020), each row of `gateUp_T2F` holding gate, then up.
    public func swiglu(_ gateUp_T2F: Matrix, into out_TF: Matrix) {
        precondition(gateUp_T2F.isContiguous && out_TF.isContiguous)
        table.pointee.swiglu(gateUp_T2F.base, out_TF.base, out_TF.rows, out_TF.columns)
    }

    /// The gradient of `swiglu` with respect to gate and up.
    public func swigluBackward(_ outputGradient_TF: Matrix, gateUp_T2F: Matrix, into gradient_T2F: Matrix) {
        precondition(outputGradient_TF.isContiguous && gateUp_T2F.isContiguous && gradient_T2F.isContiguous)
        table.pointee.swiglu_backward(
            outputGradient_TF.base, gateUp_T2F.base, gradient_T2F.base, outputGradient_TF.rows,
            outputGradient_TF.columns)
    }

    /// x += b for each row, then out = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))), the approximation of Hendrycks and
    /// Gimpel (2016) that GPT-2 calls `gelu_new`. `out_TF` may be `x_TF`.
    public func gelu(_ x_TF: Matrix, adding bias_F: Matrix? = nil, into out_TF: Matrix) {
        activate(x_TF, adding: bias_F, into: out_TF, table.pointee.gelu)
    }

    /// The gradient of `gelu` with respect to `x_TF`. `gradient_TF` may be `outputGradient_TF`.
    public func geluBackward(_ outputGradient_TF: Matrix, x_TF: Matrix, into gradient_TF: Matrix) {
        precondition(outputGradient_TF.isContiguous && x_TF.isContiguous && gradient_TF.isContiguous)
        precondition(outputGradient_TF.count == x_TF.count && gradient_TF.count == x_TF.count)
        table.pointee.gelu_backward(outputGradient_TF.base, x_TF.base, gradient_TF.base, x_TF.count)
    }

    /// x += b for each row, then out = max(x, 0). `out_TF` may be `x_TF`.
    public func relu(_ x_TF: Matrix, adding bias_F: Matrix? = nil, into out_TF: Matrix) {
        activate(x_TF, adding: bias_F, into: out_TF, table.pointee.relu)
    }

    /// The gradient of `relu` with respect to `x_TF`, 0 where x is 0. `gradient_TF` may be `outputGradient_TF`.
    public func reluBackward(_ outputGradient_TF: Matrix, x_TF: Matrix, into gradient_TF: Matrix) {
        precondition(outputGradient_TF.isContiguous && x_TF.isContiguous && gradient_TF.isContiguous)
        precondition(outputGradient_TF.count == x_TF.count && gradient_TF.count == x_TF.count)
        table.pointee.relu_backward(outputGradient_TF.base, x_TF.base, gradient_TF.base, x_TF.count)
    }

    private func activate(
        _ x_TF: Matrix, adding bias_F: Matrix?, into out_TF: Matrix,
        _ activation: (
            UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int, Int
        ) -> Void
    ) {
        precondition(x_TF.isContiguous && out_TF.isContiguous)
        precondition(x_TF.rows == out_TF.rows && x_TF.columns == out_TF.columns)
        precondition(bias_F.map { $0.isContiguous && $0.count == x_TF.columns } ?? true)
        activation(x_TF.base, bias_F.map { UnsafePointer($0.base) }, out_TF.base, x_TF.rows, x_TF.columns)
    }
}
