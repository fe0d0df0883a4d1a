import Methods
import Models
import Queueing
import Randomness
import Tensors

/// What it costs to choose ranks of an adapter: SOFT's importances beside decompositions of the product.
public struct RankBench {
    /// Seconds of one layer, each the median of some rounds.
    public struct Row: Encodable, Sendable {
        /// Rows and columns of the layer's weights.
        public let outputs: Int
        /// Columns.
        public let inputs: Int
        /// ‖b‖ · ‖a‖ of each rank.
        public let importances: Double
        /// The singular value decomposition of BA out of its factors, without the product.
        public let factors: Double
        /// The product, and LAPACK's decomposition of it.
        public let product: Double
    }

    /// A bench of layers [outputs, inputs].
    public static func measure(layers: [(outputs: Int, inputs: Int)], rank: Int, rounds: Int) -> [Row] {
        layers.map { measure(outputs: $0.outputs, inputs: $0.inputs, rank: rank, rounds: rounds) }
    }

    private static func measure(outputs: Int, inputs: Int, rank: Int, rounds: Int) -> Row {
        var generator = SeededGenerator(seed: 1, stream: "factors/\(outputs)/\(inputs)")
        let b_OR = Storage(count: outputs * rank).matrix(rows: outputs, columns: rank)
        let a_RI = Storage(count: rank * inputs).matrix(rows: rank, columns: inputs)
        for matrix in [b_OR, a_RI] {
            for i in 0..<matrix.count { matrix.base[i] = Float(generator.normal()) }
        }
        let term = LowRankTerm(a_RI: a_RI, b_OR: b_OR, scale: 1)
        let whole = Storage(count: outputs * inputs).matrix(rows: outputs, columns: inputs)
        let b_OK = Storage(count: outputs * rank).matrix(rows: outputs, columns: rank)
        let a_KI = Storage(count: rank * inputs).matrix(rows: rank, columns: inputs)
        return Row(
            outputs: outputs, inputs: inputs,
            importances: median(rounds) { _ = RankSelection.importances(term) },
            factors: median(rounds) { TruncatedProduct(b_OM: b_OR, a_MI: a_RI).write(b_OK: b_OK, a_KI: a_KI) },
            product: median(rounds) {
                whole.product(of: b_OR, and: a_RI)
                _ = SingularValueDecomposition(whole)
            })
    }

    private static func median(_ rounds: Int, _ work: () -> Void) -> Double {
        work()
        let seconds = (0..<rounds).map { _ in
            let clock = RoleClock()
            work()
            return clock.now.seconds
        }
        return seconds.sorted()[rounds / 2]
    }
}
