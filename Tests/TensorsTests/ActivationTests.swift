import Foundation
import Randomness
import Support
import Tensors
import Testing

@Suite("Activations")
struct ActivationTests {
    /// Values from -30 to 30, around zero on every scale, and the largest floats.
    private static let inputs: [Float] = {
        let scales = (-40...4).map { Float(sign: .plus, exponent: $0, significand: 1.3) }
        let steps = (-800...800).map { Float($0) * 0.037 }
        let large: [Float] = [1e20, .greatestFiniteMagnitude]
        return scales + scales.map(-) + steps + large + large.map(-) + [0, -0.0]
    }()

    private static func row(_ values: [Float]) -> Matrix {
        let matrix = zeroMatrix(1, values.count)
        matrix.base.update(from: values, count: values.count)
        return matrix
    }

    private let slope = (2 / Double.pi).squareRoot()

    private func gelu(_ x: Double) -> Double { 0.5 * x * (1 + tanh(slope * (x + 0.044715 * x * x * x))) }

    private func geluGradient(_ x: Double) -> Double {
        guard abs(x) < 30 else { return x > 0 ? 1 : 0 }
        let t = tanh(slope * (x + 0.044715 * x * x * x))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope * (1 + 3 * 0.044715 * x * x)
    }

    @Test("GELU and its gradient equal the definition from the smallest to the largest floats", arguments: 0..<2)
    func gelu(set: Int) {
        let kernels = kernelSets[set]
        let x = Self.row(Self.inputs)
        let out = zeroMatrix(1, x.count), gradient = zeroMatrix(1, x.count), ones = zeroMatrix(1, x.count)
        ones.fill(1)
        kernels.gelu(x, into: out)
        kernels.geluBackward(ones, x_TF: x, into: gradient)
        for (i, value) in Self.inputs.enumerated() {
            let expected = gelu(Double(value)), expectedGradient = geluGradient(Double(value))
            // Relative to the output near zero, where a careless tanh would lose every digit.
            let scale = abs(value) < 1 ? abs(expected) : max(1, abs(expected))
            #expect(abs(Double(out[0, i]) - expected) <= 1e-6 * scale, "gelu(\(value))")
            #expect(abs(Double(gradient[0, i]) - expectedGradient) <= 2e-6, "gelu'(\(value))")
        }
    }

    @Test("ReLU passes what is positive, and its gradient there alone", arguments: 0..<2)
    func relu(set: Int) {
        let kernels = kernelSets[set]
        let x = Self.row(Self.inputs + [.nan])
        let out = zeroMatrix(1, x.count), gradient = zeroMatrix(1, x.count), outputGradient = zeroMatrix(1, x.count)
        outputGradient.fill(3)
        kernels.relu(x, into: out)
        kernels.reluBackward(outputGradient, x_TF: x, into: gradient)
        #expect(out.values.dropLast() == Self.inputs.map { max($0, 0) }[...])
        #expect(gradient.values.dropLast() == Self.inputs.map { $0 > 0 ? 3 : 0 }[...])
        #expect(out[0, x.count - 1].isNaN, "a diverged run must show")
    }

    @Test("a bias is added first, and stays added", arguments: 0..<2, 0..<6)
    func bias(set: Int, number: Int) {
        let kernels = kernelSets[set]
        var generator = SeededGenerator(seed: UInt64(number), stream: "bias")
        let (rows, columns) = randomShape(using: &generator)
        let x = randomMatrix(rows, columns, using: &generator), bias = randomMatrix(1, columns, using: &generator)
        for activate in [kernels.gelu, kernels.relu] {
            let (alone, fused) = (
                x.copied().matrix(rows: rows, columns: columns), x.copied().matrix(rows: rows, columns: columns)
            )
            let (expected, found) = (zeroMatrix(rows, columns), zeroMatrix(rows, columns))
            kernels.addRow(bias, to: alone)
            activate(alone, nil, expected)
            activate(fused, bias, found)
            #expect(found.values == expected.values && fused.values == alone.values)
        }
    }

    @Test("working in place gives the same floats", arguments: 0..<2)
    func inPlace(set: Int) {
        let kernels = kernelSets[set]
        var generator = SeededGenerator(seed: 11, stream: "in-place")
        let x = randomMatrix(5, 77, using: &generator), g = randomMatrix(5, 77, using: &generator)
        let out = zeroMatrix(5, 77)
        func check(_ body: (Matrix, Matrix) -> Void, on input: Matrix) {
            body(input, out)
            let copy = zeroMatrix(5, 77)
            copy.copy(from: input)
            body(copy, copy)
            #expect(copy.values == out.values)
        }
        check({ kernels.gelu($0, into: $1) }, on: x)
        check({ kernels.relu($0, into: $1) }, on: x)
        check({ kernels.geluBackward($0, x_TF: x, into: $1) }, on: g)
        check({ kernels.reluBackward($0, x_TF: x, into: $1) }, on: g)
    }
}
