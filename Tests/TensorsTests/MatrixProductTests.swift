import Foundation
import Randomness
import Support
import Testing

@testable import Tensors

@Suite("Matrix products")
struct MatrixProductTests {
    @Test("a product of any shape, orientation and stride equals the definition", arguments: MatrixLibrary.allCases)
    func products(library: MatrixLibrary) {
        var generator = SeededGenerator(seed: 1, stream: "products")
        for _ in 0..<40 {
            let shape = (0..<3).map { _ in Int.random(in: 1...40, using: &generator) }
            check(m: shape[0], n: shape[1], inner: shape[2], through: library, &generator)
        }
    }

    /// More than a million multiplications: what oneDNN gets, and the narrow ones of which OpenBLAS gets some rows at a
    /// time.
    @Test("a large product equals the definition, wide or narrow", arguments: MatrixLibrary.allCases)
    func largeProducts(library: MatrixLibrary) {
        var generator = SeededGenerator(seed: 2, stream: "products")
        for shape in [(128, 96, 100), (97, 16, 701), (130, 8, 1100), (2000, 3, 190), (16, 700, 100), (1, 1100, 1000)] {
            for _ in 0..<2 { check(m: shape.0, n: shape.1, inner: shape.2, through: library, &generator) }
        }
    }

    @Test("what comes out for a token does not depend on how many others there are", arguments: WeightType.allCases)
    func tokens(type: WeightType) {
        var generator = SeededGenerator(seed: 3, stream: "products")
        let tokens = 260
        let some = (0..<20).map { _ in
            (Int.random(in: 1...1300, using: &generator), Int.random(in: 1...300, using: &generator))
        }
        let widths = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 33, 40].map { (768, $0) }
        for (inputs, outputs) in [(768, 96), (96, 768), (576, 1536), (40, 24), (40, 32), (8, 2304), (960, 320)] + widths
            + some
        {
            let w_OI = WeightMatrix(
                Storage(normal: outputs * inputs, using: &generator).matrix(rows: outputs, columns: inputs), as: type)
            for orientation in [Orientation.transposed, .plain] {
                let (inner, n) = orientation == .transposed ? (inputs, outputs) : (outputs, inputs)
                let x_TI = Storage(normal: tokens * inner, using: &generator).matrix(rows: tokens, columns: inner)
                let all_TO = Storage(count: tokens * n).matrix(rows: tokens, columns: n)
                all_TO.product(of: x_TI, and: w_OI, orientation)
                for few in [1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 48, 64, 97, 129] {
                    let some_TO = Storage(count: few * n).matrix(rows: few, columns: n)
                    let part = tokens - few..<tokens
                    some_TO.product(of: x_TI.rows(part), and: w_OI, orientation)
                    #expect(some_TO.values == all_TO.rows(part).values, "\(few) x \(inner) x \(n)")
                }
            }
        }
    }

    @Test("packed weights have the bits of the others, whatever the number of tokens", arguments: WeightType.allCases)
    func packed(type: WeightType) {
        var generator = SeededGenerator(seed: 4, stream: "products")
        let some = (0..<20).map { _ in
            (Int.random(in: 1...1300, using: &generator), Int.random(in: 1...300, using: &generator))
        }
        for (inputs, outputs) in [(768, 96), (96, 768), (960, 320), (40, 15), (3072, 64)] + some {
            let w_OI = WeightMatrix(
                Storage(normal: outputs * inputs, using: &generator).matrix(rows: outputs, columns: inputs), as: type)
            let packed_OI = w_OI.packed
            for tokens in [1, 2, 16, 37, 260] {
                let x_TI = Storage(normal: tokens * inputs, using: &generator).matrix(rows: tokens, columns: inputs)
                let before_TO = Storage(normal: tokens * outputs, using: &generator)
                    .matrix(rows: tokens, columns: outputs)
                for keep in [Float(0), 1, 0.5] {
                    let results = [w_OI, packed_OI].map { weights in
                        let result_TO = before_TO.copied().matrix(rows: tokens, columns: outputs)
                        result_TO.product(of: x_TI, and: weights, .transposed, keep: keep)
                        return result_TO.values
                    }
                    #expect(results[0] == results[1], "\(tokens) x \(inputs) x \(outputs), keep \(keep)")
                }
            }
        }
    }

    /// Where no symbol of packing is found, nothing fails, and products are as slow as without it: this would tell.
    @Test("weights are packed where products of them are oneDNN's, and only there")
    func packs() {
        func isPacked(_ type: WeightType, outputs: Int = 64) -> Bool {
            let weights = WeightMatrix(Storage(count: outputs * 48).matrix(rows: outputs, columns: 48), as: type)
            if case .packed = weights.packed { return true }
            return false
        }
        #expect(isPacked(.f32) == (MatrixLibrary.chosen == .oneDNN))
        #expect(isPacked(.bf16) == BrainFloatMatrix.isMultiplied)
        #expect(!isPacked(.int8) && !isPacked(.f32, outputs: 8))
    }

    @Test("a process may end while its threads compute products")
    func ending() async {
        await #expect(processExitsWith: .success) {
            // Registered before the libraries are there, and so called after whatever they do at the end: until then no
            // thread may be in them, and afterwards none.
            atexit { while Product.ended.wait(timeout: .now() + 0.3) == .success {} }
            for _ in 0..<2 {
                Thread {
                    let x = Storage(count: 256 * 256).matrix(rows: 256, columns: 256)
                    let y = Storage(count: 256 * 256).matrix(rows: 256, columns: 256)
                    x.fill(1)
                    while true {
                        y.product(of: x, and: x, .transposed)
                        Product.ended.signal()
                    }
                }.start()
            }
            for _ in 0..<20 { Product.ended.wait() }
            exit(EXIT_SUCCESS)
        }
    }

    @Test("a library that nobody has is refused, and one that is missing")
    func chosen() {
        #expect(MatrixLibrary.problem(of: nil) == nil)
        #expect(MatrixLibrary.problem(of: "openblas") == nil)
        #expect(MatrixLibrary.problem(of: "mkl")?.contains("openblas or onednn") == true)
        #expect(ProcessorLimit.problem(of: nil) == nil && ProcessorLimit.problem(of: "avx2") == nil)
        #expect(ProcessorLimit.problem(of: "sse")?.contains("avx2 or portable") == true)
        #expect((MatrixLibrary.problem(of: "onednn") == nil) == MatrixLibrary.oneDNN.isFound)
    }

    private func check(
        m: Int, n: Int, inner: Int, through library: MatrixLibrary, _ generator: inout SeededGenerator
    ) {
        let aOrientation: Orientation = Bool.random(using: &generator) ? .plain : .transposed
        let bOrientation: Orientation = Bool.random(using: &generator) ? .plain : .transposed
        let a = Storage(normal: m * inner * 2, using: &generator)
        let b = Storage(normal: inner * n * 2, using: &generator)
        let c = Storage(normal: m * n, using: &generator)
        let (aRows, aColumns) = aOrientation == .plain ? (m, inner) : (inner, m)
        let (bRows, bColumns) = bOrientation == .plain ? (inner, n) : (n, inner)
        // Every second half of a row belongs to somebody else.
        let a_MI = a.matrix(rows: aRows, columns: aColumns, stride: 2 * aColumns)
        let b_IN = b.matrix(rows: bRows, columns: bColumns, stride: 2 * bColumns)
        let c_MN = c.matrix(rows: m, columns: n)
        let before = c_MN.values
        c_MN.product(of: a_MI, aOrientation, and: b_IN, bOrientation, scale: 0.5, keep: 2, through: library)
        let (aRow, aColumn) = aOrientation == .plain ? (a_MI.stride, 1) : (1, a_MI.stride)
        let (bRow, bColumn) = bOrientation == .plain ? (b_IN.stride, 1) : (1, b_IN.stride)
        var expected: [Float] = []
        for i in 0..<m {
            for j in 0..<n {
                var sum = 0.0
                for l in 0..<inner {
                    sum += Double(a_MI.base[i * aRow + l * aColumn]) * Double(b_IN.base[l * bRow + j * bColumn])
                }
                expected.append(Float(0.5 * sum + 2 * Double(before[i * n + j])))
            }
        }
        #expect(relativeDifference(c_MN.values, expected) < 1e-5, "\(m) x \(n) x \(inner)")
    }
}

/// Products of other threads.
private enum Product {
    static let ended = DispatchSemaphore(value: 0)
}
