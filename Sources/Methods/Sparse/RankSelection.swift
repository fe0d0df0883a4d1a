import Models
import Tensors

/// SOFT's sparsification (arXiv 2505.00333): ΔW = Σ b_i a_iᵀ over the ranks i of a layer, of which the strongest are sent,
/// each as a whole.
///
/// A rank's importance is ‖b_i‖ · ‖a_i‖. With orthogonal columns of B and rows of A these are the singular values of BA, so
/// that the choice is that of a truncated SVD, without a product or a decomposition.
public enum RankSelection {
    /// ‖b_i‖ · ‖a_i‖ of each rank.
    public static func importances(_ term: LowRankTerm) -> [Double] {
        (0..<term.a_RI.rows).map { rank in
            var column = 0.0
            for output in 0..<term.b_OR.rows {
                column += Double(term.b_OR[output, rank]) * Double(term.b_OR[output, rank])
            }
            return (column * Kernels.best.sumOfSquares(term.a_RI.rows(rank..<rank + 1))).squareRoot()
        }
    }

    /// The most important ranks in ascending order; of equal ones the first.
    public static func strongest(_ importances: [Double], count: Int) -> [Int] {
        importances.indices.sorted { (importances[$1], $0) < (importances[$0], $1) }.prefix(count).sorted()
    }

    /// How many of `rank` ranks a sparsity leaves: ⌈(1 − s) r⌉, at least one.
    public static func kept(rank: Int, sparsity: Double) -> Int {
        // A share such as 1 − 0.7 is a little more than it says; nobody means one rank more by that.
        max(1, min(rank, Int(((1 - sparsity) * Double(rank) - 1e-9).rounded(.up))))
    }

    /// The shares of the layers' squared importances that their ranks have, the strongest first: the mean over layers.
    public static func energies(_ parameters: TrainableParameters) -> [Double] {
        meanShares(parameters, importances)
    }

    /// What the ranks' values of each layer are squared as shares of their sum, the largest first: the mean over layers.
    static func meanShares(_ parameters: TrainableParameters, _ values: (LowRankTerm) -> [Double]) -> [Double] {
        guard let rank = parameters.layout.lowRank?.rank else { return [] }
        var shares = Array(repeating: 0.0, count: rank), layers = 0.0
        for slot in parameters.layout.slots {
            let energies = values(parameters.term(slot)).map { $0 * $0 }.sorted(by: >)
            let sum = energies.reduce(0, +)
            guard sum > 0 else { continue }
            layers += 1
            for (place, energy) in energies.enumerated() { shares[place] += energy / sum }
        }
        return layers == 0 ? [] : shares.map { $0 / layers }
    }

    /// Bits of one kept rank of every layer: a row of A and a column of B, and which rank they are.
    public static func pairBits(_ layout: TrainableLayout) -> Int {
        layout.slots.reduce(0) { sum, slot in sum + 32 * (slot.site.inputWidth + slot.site.outputs.count + 1) }
    }

    private static let energyName = "energies"

    /// What the strongest ranks of each layer, and a classifier, have changed.
    ///
    /// - Parameter kept: ranks of each layer; with 0 nothing is sent.
    static func deltas(
        from start: TrainableParameters, to end: TrainableParameters, kept: Int
    ) -> [MessageTensor] {
        guard kept > 0 else { return [] }
        var tensors = end.layout.slots.flatMap { slot in
            let (before, after) = (start.term(slot), end.term(slot))
            let ranks = strongest(importances(after), count: kept)
            let names = TrainableParameters.factorNames(slot)
            let a = Storage(count: kept * after.a_RI.columns).matrix(rows: kept, columns: after.a_RI.columns)
            let b = Storage(count: kept * after.b_OR.rows).matrix(rows: kept, columns: after.b_OR.rows)
            for (place, rank) in ranks.enumerated() {
                for i in 0..<a.columns { a[place, i] = after.a_RI[rank, i] - before.a_RI[rank, i] }
                for i in 0..<b.columns { b[place, i] = after.b_OR[i, rank] - before.b_OR[i, rank] }
            }
            return [MessageTensor(names.a, a, indices: ranks), MessageTensor(names.b, b)]
        }
        if let before = start.classifier_KD, let after = end.classifier_KD {
            let delta = after.copied().matrix(rows: after.rows, columns: after.columns)
            Kernels.best.add(before, scale: -1, to: delta)
            tensors.append(MessageTensor(TrainableParameters.classifierName, delta))
        }
        let energies = energies(end)
        let row = Storage(count: energies.count).matrix(rows: 1, columns: energies.count)
        for (place, energy) in energies.enumerated() { row[0, place] = Float(energy) }
        return tensors + [MessageTensor(energyName, row)]
    }

    /// The changes of a message, with zeros for what it does not have, and its energies.
    ///
    /// - Throws: `MethodError` for anything that does not fit the layout.
    static func read(
        _ tensors: [MessageTensor], layout: TrainableLayout
    ) throws(MethodError) -> (TrainableParameters, energies: [Double]) {
        let result = TrainableParameters(layout: layout)
        guard !tensors.isEmpty else { return (result, []) }
        let found = SparseTensors(tensors)
        for slot in layout.slots {
            let (term, names) = (result.term(slot), TrainableParameters.factorNames(slot))
            let a = try found.rows(names.a, columns: term.a_RI.columns, of: term.a_RI.rows)
            let b_KO = try found.whole(names.b, rows: a.indices.count, columns: term.b_OR.rows)
            for (place, rank) in a.indices.enumerated() {
                term.a_RI.rows(rank..<rank + 1).copy(from: a.values.rows(place..<place + 1))
                for output in 0..<term.b_OR.rows { term.b_OR[output, rank] = b_KO[place, output] }
            }
        }
        if let classifier_KD = result.classifier_KD {
            try found.copy(TrainableParameters.classifierName, to: classifier_KD)
        }
        let energies = found[energyName]?.values ?? []
        guard energies.allSatisfy({ (0...1).contains($0) }) else { throw .notFinite(name: energyName) }
        return (result, energies.map(Double.init))
    }
}
