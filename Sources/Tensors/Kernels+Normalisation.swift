import CKernels

extension Kernels {
    /// Root mean square normalisation of each row (Zhang and Sennrich, 2019); `rstd_T` receives 1/rms when given.
    public func rmsNorm(
        _ x_TD: Matrix, weight_D: Matrix, epsilon: Float, into out_TD: Matrix, rstd_T: Matrix? = nil
    ) {
        precondition(x_TD.isContiguous && out_TD.isContiguous)
        table.pointee.rms_norm(
            x_TD.base, weight_D.base, out_TD.base, rstd_T?.base, x_TD.rows, x_TD.columns, epsilon)
    }

    /// Adds the gradient of `rmsNorm` with respect to `x_TD` to `gradient_TD`.
    public func rmsNormBackward(
        _ outputGradient_TD: Matrix, x_TD: Matrix, weight_D: Matrix, rstd_T: Matrix, addTo gradient_TD: Matrix
    ) {
        precondition(outputGradient_TD.isContiguous && x_TD.isContiguous && gradient_TD.isContiguous)
        table.pointee.rms_norm_backward(
            outputGradient_TD.base, x_TD.base, weight_D.base, rstd_T.base, gradient_TD.base, x_TD.rows, x_TD.columns)
    }

    /// Adds the gradient of `rmsNorm` with respect to its weight to `gradient_D`.
    public func rmsNormWeightGradient(
        _ outputGradient_TD: Matrix, x_TD: Matrix, rstd_T: Matrix, addTo gradient_D: Matrix
    ) {
        precondition(outputGradient_TD.isContiguous && x_TD.isContiguous)
        table.pointee.rms_norm_weight_gradient(
            outputGradient_TD.base, x_TD.base, rstd_T.base, gradient_D.base, x_TD.rows, x_TD.columns)
    }

    /// Normalisation of each row to mean 0 and variance 1, then weight and bias (Ba, Kiros and Hinton, 2016);
    /// `mean_T` and `rstd_T` receive each row's mean and 1/√(variance + epsilon) when given.
    public func layerNorm(
        _ x_TD: Matrix, weight_D: Matrix, bias_D: Matrix, epsilon: Float, into out_TD: Matrix,
        mean_T: Matrix? = nil, rstd_T: Matrix? = nil
    ) {
        precondition(x_TD.isContiguous && out_TD.isContiguous)
        table.pointee.layer_norm(
            x_TD.base, weight_D.base, bias_D.base, out_TD.base, mean_T?.base, rstd_T?.base, x_TD.rows, x_TD.columns,
            epsilon)
    }

    /// Adds the gradient of `layerNorm` with respect to `x_TD` to `gradient_TD`.
    public func layerNormBackward(
        _ outputGradient_TD: Matrix, x_TD: Matrix, weight_D: Matrix, mean_T: Matrix, rstd_T: Matrix,
        addTo gradient_TD: Matrix
    ) {
        precondition(outputGradient_TD.isContiguous && x_TD.isContiguous && gradient_TD.isContiguous)
        table.pointee.layer_norm_backward(
            outputGradient_TD.base, x_TD.base, weight_D.base, mean_T.base, rstd_T.base, gradient_TD.base, x_TD.rows,
            x_TD.columns)
    }

    /// Adds the gradients of `layerNorm` with respect to its weight and bias to `weightGradient_D` and
    /// `biasGradient_D`.
    public func layerNormWeightGradients(
        _ outputGradient_TD: Matrix, x_TD: Matrix, mean_T: Matrix, rstd_T: Matrix,
        addToWeight_D weightGradient_D: Matrix, addToBias_D biasGradient_D: Matrix
    ) {
        precondition(outputGradient_TD.isContiguous && x_TD.isContiguous)
        table.pointee.layer_norm_weight_gradients(
            outputGradient_TD.base, x_TD.base, mean_T.base, rstd_T.base, weightGradient_D.base, biasGradient_D.base,
            x_TD.rows, x_TD.columns)
    }
}
