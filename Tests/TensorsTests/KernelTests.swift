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
        let x = Storage(normal: rows * columns, using: &generator).matrix(rows: rows, columns: columns)
        let weight = Storage(normal: columns, using: &generator).matrix(rows: 1, columns: columns)
        let dy = Storage(normal: rows * columns, using: &generator).matrix(rows: rows, columns: columns)
        let out = Storage(count: rows * columns).matrix(rows: rows, columns: columns)
        let rstd = Storage(count: rows).matrix(rows: 1, columns: rows)
        let dx = Storage(count: rows * columns).matrix(rows: rows, columns: columns)
        kernels.rmsNorm(x, weight_D: weight, epsilon: 1e-5, into: out, rstd_T: rstd)
        kernels.rmsNormBackward(
            dy, x_TD: x, weight_D: weight, rstd_T: rstd, addTo: dx)

        var expected: [Float] = [], gradient: [Float] = []
        for row in 0..<rows {
            let xs = (0..<columns).map { Double(x[row, $0]) }
            let w = (0..<columns).map { Double(weight[0, $0]) }
            let g = (0..<columns).map { Double(dy[row, $0]) }
            let scale = 1 / (xs.reduce(0) { $0 + $1 * $1 } / Double(columns) + 1e-5).squareRoot()
            let along = (0..<columns).reduce(0) { $0 + g[$1] * w[$1] * xs[$1] } / Double(columns)
            expected += (0..<columns).map { Float(xs[$0] * scale * w[$0]) }
            gradient += (0..<columns).map { Float(scale * (g[$0] * w[$0] - xs[$0] * scale * scale * along)) }
        }
        #expect(relativeDifference(out.values, expected) < Self.tolerance)
        #expect(relativeDifference(dx.values, gradient) < Self.tolerance)
    }

    @Test("SwiGLU and its gradient equal the definition, also for large values", arguments: 0..<2)
    func swiglu(set: Int) {
        let kernels = Self.sets[set]
        var generator = SeededGenerator(seed: 3, stream: "swiglu")
        let rows = 7, columns = 37
        let gateUp = Storage(normal: rows * 2 * columns, scale: 6, using: &generator)
            .matrix(rows: rows, columns: 2 * columns)
        gateUp[0, 0] = -200
        gateUp[1, 0] = 200
        let dout = Storage(normal: rows * columns, using: &generator).matrix(rows: rows, columns: columns)
        let out = Storage(count: rows * columns).matrix(rows: rows, columns: columns)
        let gradient = Storage(count: rows * 2 * columns).matrix(rows: rows, columns: 2 * columns)
        kernels.swiglu(gateUp, into: out)
        kernels.swigluBackward(dout, gateUp_T2F: gateUp, into: gradient)

        var expected: [Float] = [], expectedGradient: [Float] = []
        for row in 0..<rows {
            let gate = (0..<columns).map { Double(gateUp[row, $0]) }
            let up = (0..<columns).map { Double(gateUp[row, columns + $0]) }
            let g = (0..<columns).map { Double(dout[row, $0]) }
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
        #expect(relativeDifference(out.values, expected) < Self.tolerance)
        #expect(relativeDifference(gradient.values, expectedGradient) < Self.tolerance)
    }

    @Test(
        "attention equals the definition and sees no other sequence", arguments: 0..<2,
        [[1], [5, 1, 9], [17, 3], [70, 33]])
    func attention(set: Int, lengths: [Int]) {
        let kernels = Self.sets[set]
        for shape in AttentionExample.shapes {
            let example = AttentionExample(lengths: lengths, shape: shape)
            let out = Storage(count: example.layout.tokens * example.queryWidth)
                .matrix(rows: example.layout.tokens, columns: example.queryWidth)
            kernels.attention(
                q: example.q, k: example.k, v: example.v, into: out, logNormaliser_TH: nil,
                sequences: example.layout, shape: example.shape)
            #expect(relativeDifference(out.values, example.reference()) < Self.tolerance)
        }
    }

    @Test("attention's gradient is the slope of the reference", arguments: 0..<2, [[4, 1, 6], [35, 18]])
    func attentionGradient(set: Int, lengths: [Int]) {
        let kernels = Self.sets[set]
        for shape in AttentionExample.shapes {
            let example = AttentionExample(lengths: lengths, shape: shape)
            let tokens = example.layout.tokens, width = example.queryWidth
            var generator = SeededGenerator(seed: 9, stream: "attention-gradient")
            let g = Storage(normal: tokens * width, using: &generator).matrix(rows: tokens, columns: width)
            let out = Storage(count: tokens * width).matrix(rows: tokens, columns: width)
            let normaliser = Storage(count: tokens * shape.heads).matrix(rows: tokens, columns: shape.heads)
            let gradient = Storage(count: example.all.count).matrix(rows: tokens, columns: example.all.columns)
            kernels.attention(
                q: example.q, k: example.k, v: example.v, into: out, logNormaliser_TH: normaliser,
                sequences: example.layout, shape: example.shape)
            kernels.attentionBackward(
                g, out_TD: out, q: example.q, k: example.k, v: example.v, logNormaliser_TH: normaliser,
                dq: example.queries(of: gradient), dk: example.keys(of: gradient), dv: example.values(of: gradient),
                sequences: example.layout, shape: example.shape)

            func loss() -> Double { zip(example.reference(), g.values).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
            for _ in 0..<20 {
                let row = Int.random(in: 0..<tokens, using: &generator)
                let column = Int.random(in: 0..<example.all.columns, using: &generator)
                let step: Float = 1e-2, old = example.all[row, column]
                example.all[row, column] = old + step
                let above = loss()
                example.all[row, column] = old - step
                let below = loss()
                example.all[row, column] = old
                let slope = (above - below) / Double(2 * step)
                #expect(abs(slope - Double(gradient[row, column])) < 2e-3)
            }
        }
    }

    @Test("a rotation followed by its inverse changes nothing, and turns depend on position alone", arguments: 0..<2)
    func rotation(set: Int) {
        let kernels = Self.sets[set]
        var generator = SeededGenerator(seed: 4, stream: "rotation")
        let table = RotaryTable(positions: 16, headDimension: 8, base: 10_000)
        let x = Storage(normal: 5 * 24, using: &generator).matrix(rows: 5, columns: 24)
        let before = x.values
        let positions: [Int32] = [0, 1, 2, 0, 15]
        kernels.rotate(x, headDimension: 8, positions: positions, table: table)
        #expect(Array(x.values[..<24]) == Array(before[..<24]), "position 0 turns by nothing")
        let angle = 15 * pow(10_000, -2.0 / 8)
        let expected = Double(before[4 * 24 + 1]) * cos(angle) - Double(before[4 * 24 + 5]) * sin(angle)
        #expect(abs(Double(x[4, 1]) - expected) < 1e-5)
        kernels.rotate(x, headDimension: 8, positions: positions, table: table, inverse: true)
        #expect(relativeDifference(x.values, before) < Self.tolerance)
    }

    @Test("AdamW takes the step of the definition", arguments: 0..<2)
    func adamW(set: Int) {
        var generator = SeededGenerator(seed: 5, stream: "adamw")
        let n = 19
        let p = Storage(normal: n, using: &generator).matrix(rows: 1, columns: n)
        let g = Storage(normal: n, using: &generator).matrix(rows: 1, columns: n)
        let m = Storage(normal: n, using: &generator).matrix(rows: 1, columns: n)
        let v = Storage(count: n).matrix(rows: 1, columns: n)
        for i in 0..<n { v[0, i] = Float(generator.uniform()) }
        let (p0, m0, v0) = (p.values, m.values, v.values)
        Self.sets[set].adamW(
            p, gradients: g, firstMoment: m, secondMoment: v, step: 3, gradientScale: 0.5,
            learningRate: 0.1, settings: AdamWCoefficients())
        let expected = (0..<n).map { i -> Float in
            let gradient = 0.5 * Double(g[0, i])
            let first = 0.9 * Double(m0[i]) + 0.1 * gradient
            let second = 0.999 * Double(v0[i]) + 0.001 * gradient * gradient
            let update = (first / (1 - pow(0.9, 3))) / ((second / (1 - pow(0.999, 3))).squareRoot() + 1e-8)
            return Float(Double(p0[i]) * (1 - 0.1 * 0.01) - 0.1 * update)
        }
        #expect(relativeDifference(p.values, expected) < 1e-5)
    }
}

/// Random queries, keys and values side by side, and attention by the definition.
struct AttentionExample {
    /// Heads that share keys and heads that do not; of no round number of floats, and of one.
    static let shapes = [
        AttentionShape(heads: 6, keyValueHeads: 2, headDimension: 4),
        AttentionShape(heads: 2, keyValueHeads: 2, headDimension: 16),
        AttentionShape(heads: 2, keyValueHeads: 1, headDimension: 22),
    ]

    let layout: SequenceLayout
    let shape: AttentionShape
    let all: Matrix

    init(lengths: [Int], shape: AttentionShape) {
        layout = SequenceLayout(lengths: lengths)
        self.shape = shape
        var generator = SeededGenerator(seed: UInt64(lengths.count), stream: "attention")
        let width = (shape.heads + 2 * shape.keyValueHeads) * shape.headDimension
        all = Storage(normal: layout.tokens * width, using: &generator).matrix(rows: layout.tokens, columns: width)
    }

    var queryWidth: Int { shape.heads * shape.headDimension }
    private var keyWidth: Int { shape.keyValueHeads * shape.headDimension }

    var q: Matrix { queries(of: all) }
    var k: Matrix { keys(of: all) }
    var v: Matrix { values(of: all) }

    func queries(of joined: Matrix) -> Matrix { joined.columns(0..<queryWidth) }
    func keys(of joined: Matrix) -> Matrix { joined.columns(queryWidth..<queryWidth + keyWidth) }
    func values(of joined: Matrix) -> Matrix { joined.columns(queryWidth + keyWidth..<queryWidth + 2 * keyWidth) }

    func reference() -> [Float] {
        let dimension = shape.headDimension, scale = 1 / Double(dimension).squareRoot()
        let (q, k, v) = (q, k, v)
        var out = [Float](repeating: 0, count: layout.tokens * queryWidth)
        for sequence in 0..<layout.count {
            for i in layout.rows(of: sequence) {
                for head in 0..<shape.heads {
                    let shared = head / (shape.heads / shape.keyValueHeads) * dimension
                    let seen = layout.rows(of: sequence).lowerBound...i
                    let scores = seen.map { j in
                        scale
                            * (0..<dimension).reduce(0.0) {
                                $0 + Double(q[i, head * dimension + $1]) * Double(k[j, shared + $1])
                            }
                    }
                    let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
                    let sum = weights.reduce(0, +)
                    for d in 0..<dimension {
                        out[i * queryWidth + head * dimension + d] = Float(
                            zip(seen, weights).reduce(0.0) { $0 + $1.1 / sum * Double(v[$1.0, shared + d]) })
                    }
                }
            }
        }
        return out
    }
}
