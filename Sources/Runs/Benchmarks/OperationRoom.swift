import Randomness
import Tensors

/// The matrices that operations are measured on, and the operations.
struct OperationRoom {
    struct Operation {
        let name: String
        /// Bytes that it must read and write, each counted once.
        let bytes: Int
        let run: (Kernels) -> Void

        init(_ name: String, floats: Int, run: @escaping (Kernels) -> Void) {
            self.name = name
            bytes = floats * MemoryLayout<Float>.stride
            self.run = run
        }
    }

    let copySource: Storage
    let copyTarget: Storage
    let operations: [Operation]

    init(_ shape: OperationBench.Shape) {
        let tokens = shape.sequences * shape.tokens, width = shape.width, forward = shape.feedForward
        var generator = SeededGenerator(seed: 1, stream: "operations")
        func matrix(_ rows: Int, _ columns: Int) -> Matrix { .normal(rows, columns, using: &generator) }
        let x_TD = matrix(tokens, width), y_TD = matrix(tokens, width), gradient_TD = matrix(tokens, width)
        let weight_D = matrix(1, width), bias_D = matrix(1, width)
        // Zeros: it is added again and again.
        let bias_F = Storage(count: forward).matrix(rows: 1, columns: forward)
        let mean_T = matrix(1, tokens), rstd_T = matrix(1, tokens)
        let wide_TF = matrix(tokens, forward), other_TF = matrix(tokens, forward)
        let both_T2F = matrix(tokens, 2 * forward), bothGradient_T2F = matrix(tokens, 2 * forward)
        let joined = matrix(tokens, 3 * width), joinedGradient = matrix(tokens, 3 * width)
        let normaliser_TH = matrix(tokens, shape.heads)
        let sequences = SequenceLayout(lengths: Array(repeating: shape.tokens, count: shape.sequences))
        let heads = AttentionShape(
            heads: shape.heads, keyValueHeads: shape.heads, headDimension: width / shape.heads)
        let angles = RotaryTable(positions: shape.tokens, headDimension: width / shape.heads, base: 10_000)
        func part(_ matrix: Matrix, _ place: Int) -> Matrix { matrix.columns(place * width..<(place + 1) * width) }
        let zeros = { Storage(count: tokens * width).matrix(rows: tokens, columns: width) }
        let moments = (zeros(), zeros())
        let stream = tokens * width, inner = tokens * forward

        operations = [
            Operation("layer norm", floats: 2 * stream) {
                $0.layerNorm(
                    x_TD, weight_D: weight_D, bias_D: bias_D, epsilon: 1e-5, into: y_TD, mean_T: mean_T, rstd_T: rstd_T)
            },
            Operation("layer norm, B", floats: 4 * stream) {
                $0.layerNormBackward(
                    y_TD, x_TD: x_TD, weight_D: weight_D, mean_T: mean_T, rstd_T: rstd_T, addTo: gradient_TD)
            },
            Operation("rms norm", floats: 2 * stream) {
                $0.rmsNorm(x_TD, weight_D: weight_D, epsilon: 1e-5, into: y_TD, rstd_T: rstd_T)
            },
            Operation("rms norm, B", floats: 4 * stream) {
                $0.rmsNormBackward(y_TD, x_TD: x_TD, weight_D: weight_D, rstd_T: rstd_T, addTo: gradient_TD)
            },
            Operation("rotary", floats: 4 * stream) { kernels in
                sequences.positions.withUnsafeBufferPointer { positions in
                    guard let positions = positions.baseAddress else { return }
                    kernels.rotate(
                        joined.columns(0..<2 * width), headDimension: width / shape.heads, positions: positions,
                        table: angles)
                }
            },
            Operation("attention", floats: 4 * stream) {
                $0.attention(
                    q: part(joined, 0), k: part(joined, 1), v: part(joined, 2), into: y_TD,
                    logNormaliser_TH: normaliser_TH, sequences: sequences, shape: heads)
            },
            Operation("attention, B", floats: 8 * stream) {
                $0.attentionBackward(
                    x_TD, out_TD: y_TD, q: part(joined, 0), k: part(joined, 1), v: part(joined, 2),
                    logNormaliser_TH: normaliser_TH, dq: part(joinedGradient, 0), dk: part(joinedGradient, 1),
                    dv: part(joinedGradient, 2), sequences: sequences, shape: heads)
            },
            Operation("bias and gelu", floats: 3 * inner) { $0.gelu(wide_TF, adding: bias_F, into: other_TF) },
            Operation("gelu, B", floats: 3 * inner) { $0.geluBackward(wide_TF, x_TF: wide_TF, into: other_TF) },
            Operation("swiglu", floats: 3 * inner) { $0.swiglu(both_T2F, into: other_TF) },
            Operation("swiglu, B", floats: 5 * inner) {
                $0.swigluBackward(other_TF, gateUp_T2F: both_T2F, into: bothGradient_T2F)
            },
            Operation("add", floats: 3 * stream) { $0.add(x_TD, to: gradient_TD) },
            Operation("add bias", floats: 2 * inner) { $0.addRow(bias_F, to: wide_TF) },
            Operation("adamw", floats: 7 * stream) {
                $0.adamW(
                    x_TD, gradients: y_TD, firstMoment: moments.0, secondMoment: moments.1, step: 1, gradientScale: 1,
                    learningRate: 1e-4, settings: AdamWCoefficients())
            },
        ]
        copySource = Storage(count: 2 * inner)
        copyTarget = Storage(count: 2 * inner)
    }
}

extension Matrix {
    /// Normally distributed numbers.
    static func normal(_ rows: Int, _ columns: Int, using generator: inout SeededGenerator) -> Matrix {
        let matrix = Storage(count: rows * columns).matrix(rows: rows, columns: columns)
        for i in 0..<matrix.count { matrix.base[i] = Float(generator.normal()) }
        return matrix
    }
}
