import Tensors
import Testing

@Suite("Matrix views")
struct MatrixTests {
    @Test("a slice of rows and columns shows the same memory")
    func slices() {
        let storage = Storage(count: 12)
        let whole = storage.matrix(rows: 3, columns: 4)
        for i in 0..<12 { storage.base[i] = Float(i) }
        let inner = whole.rows(1..<3).columns(1..<3)
        #expect(inner.values == [5, 6, 9, 10])
        inner[1, 1] = -1
        #expect(whole[2, 2] == -1)
    }
}
