import Models
import Tensors

/// The singular value decomposition of BA out of its factors, without the O × I product: what SOFT does without, and is
/// compared with.
///
/// With AAᵀ = LLᵀ the product BA has the left singular vectors of BL, and those are BL w / σ for the eigenvectors w of
/// Lᵀ(BᵀB)L, whose eigenvalues are σ². The right ones are Aᵀ(BᵀB)L w / σ². So the truncation to k ranks is
/// B · L w σ^(-1/2), and σ^(-3/2) wᵀ Lᵀ(BᵀB) · A: factors that share the singular values evenly.
public struct TruncatedProduct {
    /// In descending order.
    public let singularValues: [Double]
    /// Columns of L w.
    private let left: [[Double]]
    /// Rows of wᵀ Lᵀ (BᵀB).
    private let right: [[Double]]
    private let b_OM: Matrix
    private let a_MI: Matrix

    /// What is smaller is rounding of the factors' four bytes: a share of the largest singular value.
    private static let negligible = 1e-6

    /// Of the factors of a product, M being their inner width.
    public init(b_OM: Matrix, a_MI: Matrix) {
        self.b_OM = b_OM
        self.a_MI = a_MI
        let gramB = Self.gram(b_OM, isTransposed: true), eigenA = SymmetricEigen(Self.gram(a_MI, isTransposed: false))
        let size = gramB.count
        // Column j of L is √λ_j times the eigenvector j.
        let root = zip(eigenA.values, eigenA.vectors).map { value, vector in
            vector.map { $0 * max(0, value).squareRoot() }
        }
        let gramRoot = root.map { column in gramB.map { zip($0, column).reduce(0) { $0 + $1.0 * $1.1 } } }
        let inner = (0..<size).map { row in
            (0..<size).map { column in zip(root[row], gramRoot[column]).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        let eigen = SymmetricEigen((0..<size).map { row in (0..<size).map { (inner[row][$0] + inner[$0][row]) / 2 } })
        singularValues = eigen.values.map { max(0, $0).squareRoot() }
        func combined(_ columns: [[Double]], _ weights: [Double]) -> [Double] {
            (0..<size).map { row in (0..<size).reduce(0) { $0 + weights[$1] * columns[$1][row] } }
        }
        left = eigen.vectors.map { combined(root, $0) }
        right = eigen.vectors.map { combined(gramRoot, $0) }
    }

    /// Writes the product's best approximation of a rank: B into [O, k], A into [k, I].
    public func write(b_OK: Matrix, a_KI: Matrix) {
        let kept = b_OK.columns, size = left.count, largest = singularValues.first ?? 0
        let leftWeights = Storage(count: size * kept).matrix(rows: size, columns: kept)
        let rightWeights = Storage(count: kept * size).matrix(rows: kept, columns: size)
        for rank in 0..<min(kept, size) where singularValues[rank] > Self.negligible * largest {
            let value = singularValues[rank]
            for i in 0..<size {
                leftWeights[i, rank] = Float(left[rank][i] / value.squareRoot())
                rightWeights[rank, i] = Float(right[rank][i] / (value * value.squareRoot()))
            }
        }
        b_OK.product(of: b_OM, and: leftWeights)
        a_KI.product(of: rightWeights, and: a_MI)
    }

    private static func gram(_ matrix: Matrix, isTransposed: Bool) -> [[Double]] {
        let size = isTransposed ? matrix.columns : matrix.rows
        let gram = Storage(count: size * size).matrix(rows: size, columns: size)
        if isTransposed {
            gram.product(of: matrix, .transposed, and: matrix)
        } else {
            gram.product(of: matrix, and: matrix, .transposed)
        }
        return (0..<size).map { row in (0..<size).map { Double(gram[row, $0]) } }
    }
}

extension TruncatedProduct {
    /// The best approximation by so many ranks of what each layer's product has changed, and all of a classifier's change.
    ///
    /// - Parameter kept: ranks of each layer; with 0 nothing is sent.
    static func deltas(
        from start: TrainableParameters, to end: TrainableParameters, kept: Int
    ) -> [MessageTensor] {
        guard kept > 0 else { return [] }
        let change = end.copied()
        Kernels.best.add(start.flat, scale: -1, to: change.flat)
        let factors = change.layout.slots.flatMap { slot in
            let names = TrainableParameters.factorNames(slot)
            let product = TruncatedProduct([(1, end.term(slot)), (-1, start.term(slot))])
            let (outputs, inputs) = (slot.site.outputs.count, slot.site.inputWidth)
            let b = Storage(count: outputs * kept).matrix(rows: outputs, columns: kept)
            let a = Storage(count: kept * inputs).matrix(rows: kept, columns: inputs)
            product.write(b_OK: b, a_KI: a)
            return [MessageTensor(names.a, a), MessageTensor(names.b, b)]
        }
        return factors
            + (change.classifier_KD.map { [MessageTensor(TrainableParameters.classifierName, $0)] } ?? [])
    }

    /// What such a message says, with ranks that it does not have as zeros.
    ///
    /// - Throws: `MethodError` for anything that does not fit the layout.
    static func read(_ tensors: [MessageTensor], layout: TrainableLayout) throws(MethodError) -> TrainableParameters {
        let rank = layout.lowRank?.rank ?? 0
        guard let first = tensors.first else { return TrainableParameters(layout: layout) }
        guard (1...max(1, rank)).contains(first.rows) else {
            throw .misshapen(name: first.name, expected: "as many rows as ranks are sent, \(rank) at most")
        }
        let sent = TrainableParameters(layout: layout.withRank(first.rows))
        try sent.take(tensors)
        return sent.withRank(rank)
    }

    /// Adds weighted products to those of some parameters, and takes the best approximation of the same rank; adds weighted
    /// sums to a classifier.
    static func add(
        _ parts: [(weight: Double, parameters: TrainableParameters)], to parameters: TrainableParameters
    ) {
        let all = [(weight: 1, parameters: parameters)] + parts
        let sum = TrainableParameters.sum(all)
        for slot in sum.layout.slots {
            let target = sum.term(slot)
            TruncatedProduct(all.map { (Float($0.weight), $0.parameters.term(slot)) })
                .write(b_OK: target.b_OR, a_KI: target.a_RI)
        }
        parameters.flat.copy(from: sum.flat)
    }

    /// Of Σ weight · BA, beside each other; ranks that are zero are left out.
    private init(_ parts: [(weight: Float, term: LowRankTerm)]) {
        let ranks = parts.flatMap { part in
            RankSelection.importances(part.term).enumerated().filter { $0.element > 0 }.map { (part, $0.offset) }
        }
        let outputs = parts[0].term.b_OR.rows, inputs = parts[0].term.a_RI.columns, width = ranks.count
        let b_OM = Storage(count: outputs * width).matrix(rows: outputs, columns: width)
        let a_MI = Storage(count: width * inputs).matrix(rows: width, columns: inputs)
        for (place, (part, rank)) in ranks.enumerated() {
            a_MI.rows(place..<place + 1).copy(from: part.term.a_RI.rows(rank..<rank + 1))
            for output in 0..<outputs { b_OM[output, place] = part.weight * part.term.b_OR[output, rank] }
        }
        self.init(b_OM: b_OM, a_MI: a_MI)
    }
}

extension RankSelection {
    /// The shares of the layers' squared singular values that each rank of the best approximation has: the mean over layers.
    public static func spectrum(_ parameters: TrainableParameters) -> [Double] {
        meanShares(parameters) { TruncatedProduct(b_OM: $0.b_OR, a_MI: $0.a_RI).singularValues }
    }
}
