import Foundation
import Randomness
import Support
import Tensors
import Testing

/// Every kernel of every instruction set against a plain reference in double precision, on random shapes.
@Suite("Kernels", .serialized)
struct KernelTests {
    static let sets = [Kernels.portable, Kernels.best]
    static let tolerance = 2e-6

    @Test("RMS norm and its gradient equal the definition", arguments: 0..<2, [1, 5, 33])
    func rmsNorm(set: Int, rows: Int) {
        let kernels = Self.sets[set]
        var generator = SeededGenerator(seed: UInt64(rows), stream: "rms-norm")
        let columns = 48 + rows
        let x = Storage(normal: rows * columns, using: &generator).matrixOf(rows, columns)
        let weight = Storage(normal: columns, using: &generator).matrixOf(1, columns)
        let dy = Storage(normal: rows * columns, using: &generator).matrixOf(rows, columns)
        let out = Storage(count: rows * columns).matrixOf(rows, columns)
        let rstd = Storage(count: rows).matrixOf(1, rows)
        let dx = Storage(count: rows * columns).matrixOf(rows, columns)
        kernels.rmsNorm(x.view, weight_D: weight.view, epsilon: 1e-5, into: out.view, rstd_T: rstd.view)
        kernels.rmsNormBackward(
            dy.view, x_TD: x.view, weight_D: weight.view, rstd_T: rstd.view, addTo: dx.view)

        var expected: [Float] = [], gradient: [Float] = []
        for row in 0..<rows {
            let xs = (0..<columns).map { Double(x.view[row, $0]) }
            let w = (0..<columns).map { Double(weight.view[0, $0]) }
            let g = (0..<columns).map { Double(dy.view[row, $0]) }
            let scale = 1 / (xs.reduce(0) { $0 + $1 * $1 } / Double(columns) + 1e-5).squareRoot()
            let along = (0..<columns).reduce(0) { $0 + g[$1] * w[$1] * xs[$1] } / Double(columns)
            expected += (0..<columns).map { Float(xs[$0] * scale * w[$0]) }
            gradient += (0..<columns).map { Float(scale * (g[$0] * w[$0] - xs[$0] * scale * scale * along)) }
        }
        #expect(relativeDifference(out.view.values, expected) < Self.tolerance)
        #expect(relativeDifference(dx.view.values, gradient) < Self.tolerance)
    }

    @Test("SwiGLU and its gradient equal the definition, also for large values", arguments: 0..<2)
    func swiglu(set: Int) {
        let kernels = Self.sets[set]
        var generator = SeededGenerator(seed: 3, stream: "swiglu")
        let rows = 7, columns = 37
        let gateUp = Storage(normal: rows * 2 * columns, scale: 6, using: &generator).matrixOf(rows, 2 * columns)
        gateUp.view[0, 0] = -200
        gateUp.view[1, 0] = 200
        let dout = Storage(normal: rows * columns, using: &generator).matrixOf(rows, columns)
        let out = Storage(count: rows * columns).matrixOf(rows, columns)
        let gradient = Storage(count: rows * 2 * columns).matrixOf(rows, 2 * columns)
        kernels.swiglu(gateUp.view, into: out.view)
        kernels.swigluBackward(dout.view, gateUp_T2F: gateUp.view, into: gradient.view)

        var expected: [Float] = [], expectedGradient: [Float] = []
        for row in 0..<rows {
            let gate = (0..<columns).map { Double(gateUp.view[row, $0]) }
            let up = (0..<columns).map { Double(gateUp.view[row, columns + $0]) }
            let g = (0..<columns).map { Double(dout.view[row, $0]) }
            var dgate: [Float] = [], dup: [Float] = []
            for i in 0..<columns {
                let sigmoid = 1 / (1 + exp(-gate[i]))
                let slope = sigmoid * (1 + gate[i] * (1 - sigmoid))
                expected.append(Float(gate[i] * sigmoid * up[i]))
                dgate.append(Float(g[i] * up[i] * slope))
                dup.append(Float(g[i] * gate[i] * sigmoid))
            }
            expectedGradient += dgate + dup
        }
        #expect(relativeDifference(out.view.values, expected) < Self.tolerance)
        #expect(relativeDifference(gradient.view.values, expectedGradient) < Self.tolerance)
    }

    @Test("attention equals the definition and sees no other sequence", arguments: 0..<2, [[1], [5, 1, 9], [17, 3]])
    func attention(set: Int, lengths: [Int]) {
        let kernels = Self.sets[set]
        let example = AttentionExample(lengths: lengths)
        let out = Storage(count: example.layout.tokens * 24).matrixOf(example.layout.tokens, 24)
        let scratch = Storage(count: example.layout.longest).matrixOf(1, example.layout.longest)
        kernels.attention(
            q: example.q, k: example.k, v: example.v, into: out.view, logNormaliser_TH: nil,
            sequences: example.layout, shape: example.shape, scratch: scratch.view)
        #expect(relativeDifference(out.view.values, example.reference()) < Self.tolerance)
    }

    @Test("attention's gradient is the slope of the reference", arguments: 0..<2)
    func attentionGradient(set: Int) {
        let kernels = Self.sets[set]
        let example = AttentionExample(lengths: [4, 1, 6])
        let tokens = example.layout.tokens
        var generator = SeededGenerator(seed: 9, stream: "attention-gradient")
        let g = Storage(normal: tokens * 24, using: &generator).matrixOf(tokens, 24)
        let out = Storage(count: tokens * 24).matrixOf(tokens, 24)
        let normaliser = Storage(count: tokens * 6).matrixOf(tokens, 6)
        let scratch = Storage(count: tokens).matrixOf(1, tokens)
        let gradient = Storage(count: tokens * 40).matrixOf(tokens, 40)
        kernels.attention(
            q: example.q, k: example.k, v: example.v, into: out.view, logNormaliser_TH: normaliser.view,
            sequences: example.layout, shape: example.shape, scratch: scratch.view)
        kernels.attentionBackward(
            g.view, out_TD: out.view, q: example.q, k: example.k, v: example.v, logNormaliser_TH: normaliser.view,
            dq: gradient.view.columns(0..<24), dk: gradient.view.columns(24..<32),
            dv: gradient.view.columns(32..<40), sequences: example.layout, shape: example.shape)

        func loss() -> Double { zip(example.reference(), g.view.values).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
        for _ in 0..<60 {
            let row = Int.random(in: 0..<tokens, using: &generator)
            let column = Int.random(in: 0..<40, using: &generator)
            let step: Float = 1e-2, old = example.all.view[row, column]
            example.all.view[row, column] = old + step
            let above = loss()
            example.all.view[row, column] = old - step
            let below = loss()
            example.all.view[row, column] = old
            let slope = (above - below) / Double(2 * step)
            #expect(abs(slope - Double(gradient.view[row, column])) < 2e-3)
        }
    }

    @Test("a rotation followed by its inverse changes nothing, and turns depend on position alone", arguments: 0..<2)
    func rotation(set: Int) {
        let kernels = Self.sets[set]
        var generator = SeededGenerator(seed: 4, stream: "rotation")
        let table = RotaryTable(positions: 16, headDimension: 8, base: 10_000)
        let x = Storage(normal: 5 * 24, using: &generator).matrixOf(5, 24)
        let before = x.view.values
        let positions: [Int32] = [0, 1, 2, 0, 15]
        kernels.rotate(x.view, headDimension: 8, positions: positions, table: table)
        #expect(Array(x.view.values[..<24]) == Array(before[..<24]), "position 0 turns by nothing")
        let angle = 15 * pow(10_000, -2.0 / 8)
        let expected = Double(before[4 * 24 + 1]) * cos(angle) - Double(before[4 * 24 + 5]) * sin(angle)
        #expect(abs(Double(x.view[4, 1]) - expected) < 1e-5)
        kernels.rotate(x.view, headDimension: 8, positions: positions, table: table, inverse: true)
        #expect(relativeDifference(x.view.values, before) < Self.tolerance)
    }

    @Test("AdamW takes the step of the definition", arguments: 0..<2)
    func adamW(set: Int) {
        var generator = SeededGenerator(seed: 5, stream: "adamw")
        let n = 19
        let p = Storage(normal: n, using: &generator).matrixOf(1, n), g = Storage(normal: n, using: &generator).matrixOf(1, n)
        let m = Storage(normal: n, using: &generator).matrixOf(1, n), v = Storage(count: n).matrixOf(1, n)
        for i in 0..<n { v.view[0, i] = Float(generator.uniform()) }
        let (p0, m0, v0) = (p.view.values, m.view.values, v.view.values)
        Self.sets[set].adamW(
            p.view, gradients: g.view, firstMoment: m.view, secondMoment: v.view, step: 3, gradientScale: 0.5,
            learningRate: 0.1, settings: AdamWCoefficients())
        let expected = (0..<n).map { i -> Float in
            let gradient = 0.5 * Double(g.view[0, i])
            let first = 0.9 * Double(m0[i]) + 0.1 * gradient
            let second = 0.999 * Double(v0[i]) + 0.001 * gradient * gradient
            let update = (first / (1 - pow(0.9, 3))) / ((second / (1 - pow(0.999, 3))).squareRoot() + 1e-8)
            return Float(Double(p0[i]) * (1 - 0.1 * 0.01) - 0.1 * update)
        }
        #expect(relativeDifference(p.view.values, expected) < 1e-5)
    }
}

/// A storage that lives as long as the view on it.
struct OwnedMatrix {
    let storage: Storage
    let view: Matrix
}

extension Storage {
    func matrixOf(_ rows: Int, _ columns: Int) -> OwnedMatrix {
        OwnedMatrix(storage: self, view: matrix(rows: rows, columns: columns))
    }
}

/// Random queries (6 heads of 4), keys and values (2 heads of 4) side by side, and attention by the definition.
struct AttentionExample {
    let layout: SequenceLayout
    let shape = AttentionShape(heads: 6, keyValueHeads: 2, headDimension: 4)
    let all: OwnedMatrix

    init(lengths: [Int]) {
        layout = SequenceLayout(lengths: lengths)
        var generator = SeededGenerator(seed: UInt64(lengths.count), stream: "attention")
        all = Storage(normal: layout.tokens * 40, using: &generator).matrixOf(layout.tokens, 40)
    }

    var q: Matrix { all.view.columns(0..<24) }
    var k: Matrix { all.view.columns(24..<32) }
    var v: Matrix { all.view.columns(32..<40) }

    func reference() -> [Float] {
        var out = [Float](repeating: 0, count: layout.tokens * 24)
        for sequence in 0..<layout.count {
            for i in layout.rows(of: sequence) {
                for head in 0..<6 {
                    let shared = head / 3
                    let seen = layout.rows(of: sequence).lowerBound...i
                    let scores = seen.map { j in
                        (0..<4).reduce(0.0) { $0 + Double(q[i, head * 4 + $1]) * Double(k[j, shared * 4 + $1]) } / 2
                    }
                    let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
                    let sum = weights.reduce(0, +)
                    for d in 0..<4 {
                        out[i * 24 + head * 4 + d] = Float(
                            zip(seen, weights).reduce(0.0) { $0 + $1.1 / sum * Double(v[$1.0, shared * 4 + d]) })
                    }
                }
            }
        }
        return out
    }
}
