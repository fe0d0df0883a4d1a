import Randomness
import Support
import Tensors
import Testing

@testable import Methods
@testable import Models

@Suite("SOFT")
struct SparseTests {
    /// A layer's factors of a rank: B [O, R] and A [R, I].
    static func term(outputs: Int, inputs: Int, rank: Int, fill: (Matrix, Matrix) -> Void) -> LowRankTerm {
        let b_OR = Storage(count: outputs * rank).matrix(rows: outputs, columns: rank)
        let a_RI = Storage(count: rank * inputs).matrix(rows: rank, columns: inputs)
        fill(a_RI, b_OR)
        return LowRankTerm(a_RI: a_RI, b_OR: b_OR, scale: 1)
    }

    static func randomise(_ matrix: Matrix, scale: Double = 1, _ generator: inout SeededGenerator) {
        for i in 0..<matrix.count { matrix.base[i] = Float(scale * generator.normal()) }
    }

    /// Makes rows orthonormal (Gram-Schmidt), then multiplies each by a length.
    static func orthogonalise(_ rows: Matrix, lengths: [Double]) {
        for i in 0..<rows.rows {
            for j in 0..<i {
                let dot = (0..<rows.columns).reduce(0.0) { $0 + Double(rows[i, $1]) * Double(rows[j, $1]) }
                for c in 0..<rows.columns { rows[i, c] -= Float(dot) * rows[j, c] }
            }
            let norm = (0..<rows.columns).reduce(0.0) { $0 + Double(rows[i, $1]) * Double(rows[i, $1]) }.squareRoot()
            for c in 0..<rows.columns { rows[i, c] = Float(Double(rows[i, c]) / norm) }
        }
        for i in 0..<rows.rows { for c in 0..<rows.columns { rows[i, c] *= Float(lengths[i]) } }
    }

    static func product(_ term: LowRankTerm, ranks: [Int]? = nil) -> Matrix {
        let result = Storage(count: term.b_OR.rows * term.a_RI.columns)
            .matrix(rows: term.b_OR.rows, columns: term.a_RI.columns)
        for rank in ranks ?? Array(0..<term.a_RI.rows) {
            result.product(
                of: term.b_OR.columns(rank..<rank + 1), and: term.a_RI.rows(rank..<rank + 1), keep: 1)
        }
        return result
    }

    @Test("the penalty's gradient is that of finite differences")
    func penaltyGradient() throws {
        let parameters = TrainableParameters(random: try MethodBench().whole, scale: 0.4)
        let penalty = OrthogonalityPenalty(lambda: 0.7), gradient = TrainableParameters(layout: parameters.layout)
        penalty.addGradient(of: parameters, to: gradient)
        var generator = SeededGenerator(seed: 2, stream: "places")
        let largest = gradient.flat.values.reduce(0) { max($0, abs(Double($1))) }
        for _ in 0..<60 {
            let place = Int.random(in: 0..<parameters.layout.count, using: &generator)
            let value = parameters.flat.base[place], h: Float = 1e-2
            parameters.flat.base[place] = value + h
            let plus = penalty.value(of: parameters)
            parameters.flat.base[place] = value - h
            let minus = penalty.value(of: parameters)
            parameters.flat.base[place] = value
            let slope = (plus - minus) / (2 * Double(h))
            #expect(abs(slope - Double(gradient.flat.base[place])) < 2e-3 * largest)
        }
    }

    @Test("training with the penalty leaves factors nearer to orthogonal than training without")
    func penaltyTrains() throws {
        let bench = try MethodBench(), start = try bench.parameters()
        let values = try [0.0, 0.5].map { lambda in
            let (network, server, _) = FederatedTests.network(
                bench, start: start, ranks: [3], samples: [20],
                settings: FederatedSettings(rounds: 4, localSteps: 10, orthogonality: lambda),
                rule: MethodBench.descent(0.1))
            try network.run()
            return OrthogonalityPenalty(lambda: 1).value(of: server.parameters)
        }
        #expect(values[1] < 0.2 * values[0])
    }

    @Test("of orthogonal factors the kept ranks are those of the truncated SVD, without a decomposition")
    func orthogonalFactors() {
        var generator = SeededGenerator(seed: 3, stream: "orthogonal")
        let bLengths = [1.0, 4, 0.5, 2, 3], aLengths = [2.0, 1, 1, 1.5, 0.2]
        let term = Self.term(outputs: 12, inputs: 9, rank: 5) { a_RI, b_OR in
            Self.randomise(a_RI, &generator)
            Self.orthogonalise(a_RI, lengths: aLengths)
            let b_RO = b_OR.transposedCopy()
            Self.randomise(b_RO, &generator)
            Self.orthogonalise(b_RO, lengths: bLengths)
            b_OR.copy(transposed: b_RO)
        }
        let decomposition = SingularValues(Self.product(term)), importances = RankSelection.importances(term)
        #expect(zip(importances.sorted(by: >), decomposition.values).allSatisfy { abs($0 - $1) < 1e-5 })
        for kept in 1...5 {
            let chosen = RankSelection.strongest(importances, count: kept)
            let truncated = decomposition.truncated(rank: kept).map { Float($0) }
            #expect(relativeDifference(Self.product(term, ranks: chosen).values, truncated) < 1e-5, "\(kept) ranks")
        }
    }

    /// Three strong ranks of eight, near-orthogonal as the penalty leaves them, among weak ones.
    ///
    /// - Parameter isFlat: whether the entries of a rank are all of one size, or normal.
    static func planted(seed: UInt64, isFlat: Bool) -> LowRankTerm {
        var generator = SeededGenerator(seed: seed, stream: "planted")
        return term(outputs: 48, inputs: 32, rank: 8) { a_RI, b_OR in
            for rank in 0..<8 {
                let scale = rank < 3 ? 1.0 : 0.15
                for entry in [a_RI.rows(rank..<rank + 1), b_OR.columns(rank..<rank + 1)] {
                    for row in 0..<entry.rows {
                        for column in 0..<entry.columns {
                            let draw = generator.normal()
                            entry[row, column] = Float(scale * (isFlat ? (draw < 0 ? -1 : 1) : draw))
                        }
                    }
                }
            }
        }
    }

    /// The largest entries of both factors, with zeros for the others.
    static func largestEntries(_ term: LowRankTerm, count: Int) -> LowRankTerm {
        let sizes = (term.a_RI.values + term.b_OR.values).map(abs)
        let chosen = Set(sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }.prefix(count))
        return Self.term(outputs: term.b_OR.rows, inputs: term.a_RI.columns, rank: term.a_RI.rows) { a_RI, b_OR in
            for i in 0..<a_RI.count where chosen.contains(i) { a_RI.base[i] = term.a_RI.base[i] }
            for i in 0..<b_OR.count where chosen.contains(a_RI.count + i) { b_OR.base[i] = term.b_OR.base[i] }
        }
    }

    @Test("dropping whole ranks loses less than dropping single entries at the same bits", arguments: UInt64(1)...5)
    func pairsBeatEntries(seed: UInt64) {
        // Entries of one size cannot be ranked: keeping a share f of both factors keeps f² of the product. Where sizes are
        // normal, a few large ones stand for many, and ranks win as soon as there are bits for those that matter.
        for (isFlat, budgets) in [(true, 1...3), (false, 3...3)] {
            let term = Self.planted(seed: seed, isFlat: isFlat), whole = Self.product(term).values
            func lost(_ other: Matrix) -> Double {
                difference(whole, other.values).reduce(0) { $0 + Double($1) * Double($1) }
            }
            for kept in budgets {
                let ranks = RankSelection.strongest(RankSelection.importances(term), count: kept)
                // Of a rank, 80 values and which one it is; of an entry, its value and which of 640 it is.
                let entries = 32 * kept * 81 / (32 + 10)
                let byEntries = lost(Self.product(Self.largestEntries(term, count: entries)))
                #expect(
                    lost(Self.product(term, ranks: ranks)) < byEntries, "seed \(seed), \(kept) ranks, flat: \(isFlat)")
            }
        }
    }

    @Test("kept changes arrive where they belong, missing ranks as zeros, in as many bytes as the closed form says")
    func deltas() throws {
        let bench = try MethodBench(classes: 3), layout = bench.whole
        let start = TrainableParameters(random: layout), end = TrainableParameters(random: layout, seed: 2)
        for kept in 1...3 {
            let tensors = RankSelection.deltas(from: start, to: end, kept: kept)
            let (read, energies) = try RankSelection.read(tensors, layout: layout)
            for slot in layout.slots {
                let chosen = RankSelection.strongest(RankSelection.importances(end.term(slot)), count: kept)
                for rank in 0..<3 {
                    let expected = difference(
                        end.term(slot).a_RI.rows(rank..<rank + 1).values,
                        start.term(slot).a_RI.rows(rank..<rank + 1).values)
                    let found = read.term(slot).a_RI.rows(rank..<rank + 1).values
                    #expect(found == (chosen.contains(rank) ? expected : expected.map { _ in 0 }))
                    let column = read.term(slot).b_OR.columns(rank..<rank + 1).values
                    #expect(column.contains { $0 != 0 } == chosen.contains(rank))
                }
            }
            #expect(abs(energies.reduce(0, +) - 1) < 1e-5 && energies == energies.sorted(by: >))
            let message = MethodMessage(.update, step: 1, tensors: tensors)
            let classifier = 3 * layout.model.width
            let bits = kept * RankSelection.pairBits(layout) + 32 * (classifier + 3)
            #expect(8 * message.payloadBytes == bits)
        }
        var twice = RankSelection.deltas(from: start, to: end, kept: 2)
        twice[0].indices = [1, 1]
        #expect(throws: MethodError.self) { try RankSelection.read(twice, layout: layout) }
        twice[0].indices = [1, 3]
        #expect(throws: MethodError.self) { try RankSelection.read(twice, layout: layout) }
    }

    @Test("the largest single changes arrive where they belong, in no more bytes than the ranks would take")
    func entries() throws {
        let layout = try MethodBench().whole
        let start = TrainableParameters(random: layout), end = TrainableParameters(random: layout, seed: 2)
        let tensors = EntrySelection.deltas(from: start, to: end, ranks: 1)
        let read = try EntrySelection.read(tensors, layout: layout)
        let change = difference(end.flat.values, start.flat.values)
        #expect(zip(read.flat.values, change).allSatisfy { $0 == 0 || $0 == $1 })
        for slot in layout.slots {
            let term = read.term(slot), whole = end.copied()
            Kernels.best.add(start.flat, scale: -1, to: whole.flat)
            func sizes(_ term: LowRankTerm) -> [Float] { (term.a_RI.values + term.b_OR.values).map(abs) }
            let kept = sizes(term).filter { $0 > 0 }.sorted()
            #expect(kept.count == EntrySelection.entries(slot, ranks: 1))
            #expect(kept == sizes(whole.term(slot)).sorted().suffix(kept.count))
        }
        let bytes = MethodMessage(.update, step: 1, tensors: tensors).payloadBytes
        #expect(8 * bytes <= RankSelection.pairBits(layout) && 9 * bytes > RankSelection.pairBits(layout))
        var outside = tensors
        outside[0].indices?[0] = 100_000
        #expect(throws: MethodError.self) { try EntrySelection.read(outside, layout: layout) }
    }

    @Test("a round that keeps every rank is FedLoRA's, and one that drops some sends less and still trains")
    func rounds() throws {
        let bench = try MethodBench(), start = try bench.parameters()
        func trained(
            _ aggregation: FederatedSettings.Aggregation, kept: Int, rounds: Int = 4
        ) throws -> (MethodNetwork, [Float]) {
            let (network, server, _) = FederatedTests.network(
                bench, start: start, ranks: [3, 3], samples: [20, 10],
                settings: FederatedSettings(rounds: rounds, localSteps: 5, aggregation: aggregation),
                rule: MethodBench.descent(0.3), kept: { _, _ in [kept, kept] })
            try network.run()
            return (network, server.parameters.flat.values)
        }
        // Of one round: in later ones training makes more of what rounding did.
        let (_, mean) = try trained(.mean, kept: 3, rounds: 1)
        let (_, same) = try trained(.keptRanks, kept: 3, rounds: 1)
        #expect(relativeDifference(same, mean) < 1e-5)
        let (all, _) = try trained(.keptRanks, kept: 3)
        let (some, sparse) = try trained(.keptRanks, kept: 1)
        func bytes(_ network: MethodNetwork) -> Int {
            network.messages(.update, isUp: true).reduce(0) { $0 + $1.message.payloadBytes }
        }
        #expect(sparse.allSatisfy(\.isFinite) && 5 * bytes(some) < 2 * bytes(all))
        let (single, _) = try trained(.keptEntries, kept: 1)
        #expect(bytes(single) <= bytes(some))
        for network in [some, single] {
            #expect((network.progress.last?.loss ?? .nan) < network.progress[0].loss)
        }
    }
}
