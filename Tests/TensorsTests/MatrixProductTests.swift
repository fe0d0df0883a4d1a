import Randomness
import Support
import Tensors
import Testing

@Suite("Matrix products")
struct MatrixProductTests {
    @Test("a product of any shape, orientation and stride equals the definition")
    func products() {
        var generator = SeededGenerator(seed: 1, stream: "products")
        for _ in 0..<40 {
            let m = Int.random(in: 1...40, using: &generator), n = Int.random(in: 1...40, using: &generator)
            let inner = Int.random(in: 1...40, using: &generator)
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
            c_MN.product(of: a_MI, aOrientation, and: b_IN, bOrientation, scale: 0.5, keep: 2)
            let expected = (0..<m).flatMap { i in
                (0..<n).map { j -> Float in
                    let sum = (0..<inner).reduce(0.0) { sum, l in
                        let x = aOrientation == .plain ? a_MI[i, l] : a_MI[l, i]
                        let y = bOrientation == .plain ? b_IN[l, j] : b_IN[j, l]
                        return sum + Double(x) * Double(y)
                    }
                    return Float(0.5 * sum + 2 * Double(before[i * n + j]))
                }
            }
            #expect(relativeDifference(c_MN.values, expected) < 1e-5)
        }
    }
}
