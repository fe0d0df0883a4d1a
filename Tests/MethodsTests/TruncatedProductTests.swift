import Randomness
import Support
import Tensors
import Testing

@testable import Methods
@testable import Models

@Suite("Truncated products")
struct TruncatedProductTests {
    private static func random(_ seed: UInt64, rank: Int = 4) -> LowRankTerm {
        var generator = SeededGenerator(seed: seed, stream: "factors")
        return SparseTests.term(outputs: 10, inputs: 7, rank: rank) { a_RI, b_OR in
            SparseTests.randomise(a_RI, &generator)
            SparseTests.randomise(b_OR, scale: 0.01, &generator)
        }
    }

    private static func truncated(_ term: LowRankTerm, rank: Int) -> LowRankTerm {
        SparseTests.term(outputs: term.b_OR.rows, inputs: term.a_RI.columns, rank: rank) { a_RI, b_OR in
            TruncatedProduct(b_OM: term.b_OR, a_MI: term.a_RI).write(b_OK: b_OR, a_KI: a_RI)
        }
    }

    @Test("singular values and truncations out of factors are those of the product", arguments: UInt64(1)...4)
    func decomposition(seed: UInt64) {
        let term = Self.random(seed), reference = SingularValues(SparseTests.product(term))
        let found = TruncatedProduct(b_OM: term.b_OR, a_MI: term.a_RI).singularValues
        for (found, expected) in zip(found, reference.values) {
            #expect(abs(found - expected) < 1e-4 * reference.values[0], "seed \(seed)")
        }
        for rank in 1...4 {
            let product = SparseTests.product(Self.truncated(term, rank: rank)).values
            let expected = reference.truncated(rank: rank).map { Float($0) }
            #expect(relativeDifference(product, expected) < 1e-4, "seed \(seed), rank \(rank)")
        }
    }

    @Test("no choice of whole ranks loses less than the truncation", arguments: UInt64(1)...4)
    func best(seed: UInt64) {
        let term = Self.random(seed), whole = SparseTests.product(term).values
        func lost(_ other: Matrix) -> Double {
            difference(whole, other.values).reduce(0) { $0 + Double($1) * Double($1) }
        }
        for kept in 1...3 {
            let ranks = RankSelection.strongest(RankSelection.importances(term), count: kept)
            let truncation = lost(SparseTests.product(Self.truncated(term, rank: kept)))
            #expect(truncation <= lost(SparseTests.product(term, ranks: ranks)) * 1.0001, "seed \(seed)")
        }
    }

    @Test("factors of fewer ranks than they have places give these ranks, and zeros give zeros")
    func deficient() {
        let term = Self.random(5)
        for rank in [1, 3] { term.a_RI.rows(rank..<rank + 1).fill(0) }
        let product = SparseTests.product(Self.truncated(term, rank: 4)).values
        #expect(relativeDifference(product, SparseTests.product(term).values) < 1e-4)
        term.b_OR.fill(0)
        #expect(SparseTests.product(Self.truncated(term, rank: 4)).values.allSatisfy { $0 == 0 })
    }

    @Test("changes arrive as products of as many ranks as were asked for, and are added to those that are there")
    func deltas() throws {
        let layout = try MethodBench(classes: 3).whole
        let start = TrainableParameters(random: layout), end = TrainableParameters(random: layout, seed: 2)
        for kept in 1...3 {
            let tensors = TruncatedProduct.deltas(from: start, to: end, kept: kept)
            let bytes = MethodMessage(.update, step: 1, tensors: tensors).payloadBytes
            #expect(8 * bytes <= kept * RankSelection.pairBits(layout) + 32 * 3 * layout.model.width)
            let read = try TruncatedProduct.read(tensors, layout: layout), sum = start.copied()
            TruncatedProduct.add([(1, read)], to: sum)
            #expect(relativeDifference(sum.classifier_KD?.values ?? [], end.classifier_KD?.values ?? []) < 1e-5)
            for slot in layout.slots {
                let change = SparseTests.product(end.term(slot))
                Kernels.best.add(SparseTests.product(start.term(slot)), scale: -1, to: change)
                let expected = SingularValues(change).truncated(rank: kept).map { Float($0) }
                let found = SparseTests.product(read.term(slot))
                #expect(relativeDifference(found.values, expected) < 1e-3)
                let target = SparseTests.product(start.term(slot))
                Kernels.best.add(found, to: target)
                let best = SingularValues(target).truncated(rank: 3).map { Float($0) }
                #expect(relativeDifference(SparseTests.product(sum.term(slot)).values, best) < 1e-3)
            }
        }
        #expect(TruncatedProduct.deltas(from: start, to: end, kept: 0).isEmpty)
        var misshapen = TruncatedProduct.deltas(from: start, to: end, kept: 2)
        misshapen[0].rows = 9
        #expect(throws: MethodError.self) { try TruncatedProduct.read(misshapen, layout: layout) }
    }
}
