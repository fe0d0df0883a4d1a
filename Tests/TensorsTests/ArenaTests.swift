import Tensors
import Testing

@Suite("Arena")
struct ArenaTests {
    @Test("the second pass of the same size asks the system for nothing")
    func steadyState() {
        let arena = Arena()
        func pass() {
            for rows in [3, 200, 7] { arena.matrix(rows: rows, columns: 33).fill(1) }
            arena.reset()
        }
        pass()
        let growths = arena.growths
        for _ in 0..<5 { pass() }
        #expect(arena.growths == growths)
    }

    @Test("matrices of one pass never overlap, also while the arena grows")
    func noOverlap() {
        let arena = Arena()
        let matrices = (1...20).map { arena.matrix(rows: $0, columns: 17) }
        for (i, matrix) in matrices.enumerated() { matrix.fill(Float(i)) }
        for (i, matrix) in matrices.enumerated() { #expect(matrix.values.allSatisfy { $0 == Float(i) }) }
    }
}
