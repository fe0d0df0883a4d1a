import Randomness
import Support
import Tensors
import Testing

@Suite("Normalisation")
struct NormalisationTests {
    private struct Case {
        let x: Matrix, weight: Matrix, bias: Matrix, outputGradient: Matrix

        init(_ number: Int, mean: Float) {
            var generator = SeededGenerator(seed: UInt64(number), stream: "normalisation")
            let (rows, columns) = randomShape(using: &generator)
            x = randomMatrix(rows, columns + 1, scale: 3, using: &generator)
            for i in 0..<x.count { x.base[i] += mean }
            weight = randomMatrix(1, columns + 1, using: &generator)
            bias = randomMatrix(1, columns + 1, using: &generator)
            outputGradient = randomMatrix(rows, columns + 1, using: &generator)
        }
    }

    /// Output, input gradient, weight gradient and bias gradient by the definition, in double precision.
    private func layerNormReference(_ c: Case, epsilon: Double) -> [[Float]] {
        let n = Double(c.x.columns), w = c.weight.doubles(0), b = c.bias.doubles(0)
        var out: [Float] = [], dx: [Float] = []
        var dw = [Double](repeating: 0, count: c.x.columns), db = dw
        for row in 0..<c.x.rows {
            let x = c.x.doubles(row), g = c.outputGradient.doubles(row)
            let mean = x.reduce(0, +) / n
            let scale = 1 / (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n + epsilon).squareRoot()
            let hat = x.map { ($0 - mean) * scale }
            let weighted = zip(g, w).map(*)
            let across = weighted.reduce(0, +) / n, along = zip(weighted, hat).map(*).reduce(0, +) / n
            out += hat.indices.map { Float(hat[$0] * w[$0] + b[$0]) }
            dx += hat.indices.map { Float(scale * (weighted[$0] - across - hat[$0] * along)) }
            for i in hat.indices {
                dw[i] += g[i] * hat[i]
                db[i] += g[i]
            }
        }
        return [out, dx, dw.map { Float($0) }, db.map { Float($0) }]
    }

    @Test("layer norm and all its gradients equal the definition", arguments: 0..<2, 0..<12)
    func layerNorm(set: Int, number: Int) {
        let kernels = kernelSets[set]
        let c = Case(number, mean: 2)
        let (rows, columns) = (c.x.rows, c.x.columns)
        let out = zeroMatrix(rows, columns), dx = zeroMatrix(rows, columns)
        let mean = zeroMatrix(1, rows), rstd = zeroMatrix(1, rows)
        let dw = zeroMatrix(1, columns), db = zeroMatrix(1, columns)
        kernels.layerNorm(
            c.x, weight_D: c.weight, bias_D: c.bias, epsilon: 1e-5, into: out, mean_T: mean, rstd_T: rstd)
        kernels.layerNormBackward(
            c.outputGradient, x_TD: c.x, weight_D: c.weight, mean_T: mean, rstd_T: rstd, addTo: dx)
        kernels.layerNormWeightGradients(
            c.outputGradient, x_TD: c.x, mean_T: mean, rstd_T: rstd, addToWeight_D: dw, addToBias_D: db)
        let expected = layerNormReference(c, epsilon: 1e-5)
        for (found, expected) in zip([out, dx, dw, db], expected) {
            #expect(relativeDifference(found.values, expected) < 5e-6)
        }
    }

    @Test("a mean far from zero does not swallow the variance", arguments: 0..<2)
    func largeMean(set: Int) {
        let c = Case(3, mean: 3000)
        let out = zeroMatrix(c.x.rows, c.x.columns)
        kernelSets[set].layerNorm(c.x, weight_D: c.weight, bias_D: c.bias, epsilon: 1e-5, into: out)
        #expect(relativeDifference(out.values, layerNormReference(c, epsilon: 1e-5)[0]) < 5e-4)
    }

    @Test("gradients are added to what is there", arguments: 0..<2)
    func accumulation(set: Int) {
        let kernels = kernelSets[set]
        let c = Case(5, mean: 0)
        let (rows, columns) = (c.x.rows, c.x.columns)
        let out = zeroMatrix(rows, columns), mean = zeroMatrix(1, rows), rstd = zeroMatrix(1, rows)
        kernels.layerNorm(
            c.x, weight_D: c.weight, bias_D: c.bias, epsilon: 1e-5, into: out, mean_T: mean, rstd_T: rstd)
        func gradients(times: Int) -> [Matrix] {
            let dx = zeroMatrix(rows, columns), dw = zeroMatrix(1, columns), db = zeroMatrix(1, columns)
            for _ in 0..<times {
                kernels.layerNormBackward(
                    c.outputGradient, x_TD: c.x, weight_D: c.weight, mean_T: mean, rstd_T: rstd, addTo: dx)
                kernels.layerNormWeightGradients(
                    c.outputGradient, x_TD: c.x, mean_T: mean, rstd_T: rstd, addToWeight_D: dw, addToBias_D: db)
            }
            return [dx, dw, db]
        }
        for (once, twice) in zip(gradients(times: 1), gradients(times: 2)) {
            #expect(relativeDifference(twice.values, once.values.map { 2 * $0 }) < 1e-6)
        }
    }

    @Test("the gradient of RMS norm's weight equals the definition", arguments: 0..<2, 0..<8)
    func rmsNormWeightGradient(set: Int, number: Int) {
        let c = Case(number, mean: 0)
        let out = zeroMatrix(c.x.rows, c.x.columns), rstd = zeroMatrix(1, c.x.rows)
        let dw = zeroMatrix(1, c.x.columns)
        kernelSets[set].rmsNorm(c.x, weight_D: c.weight, epsilon: 1e-6, into: out, rstd_T: rstd)
        kernelSets[set].rmsNormWeightGradient(c.outputGradient, x_TD: c.x, rstd_T: rstd, addTo: dw)
        var expected = [Double](repeating: 0, count: c.x.columns)
        for row in 0..<c.x.rows {
            let x = c.x.doubles(row), g = c.outputGradient.doubles(row)
            let scale = 1 / (x.reduce(0) { $0 + $1 * $1 } / Double(x.count) + 1e-6).squareRoot()
            for i in x.indices { expected[i] += g[i] * x[i] * scale }
        }
        #expect(relativeDifference(dw.values, expected.map { Float($0) }) < 5e-6)
    }
}
