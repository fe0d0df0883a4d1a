import Checkpoints
import Tensors

/// The inputs of adapters with some of them dropped, one at a time in the same memory.
struct DroppedInput {
    /// For layers that see all tokens.
    private let dropout: Dropout?
    /// For those behind attention, which see the tokens that are read.
    private let readDropout: Dropout?
    private let plan: BlockPlan
    private let memory: Matrix?
    private let kernels: Kernels

    /// - Parameter rows: the tokens that are read of the block; nil for all.
    init(
        _ dropout: Dropout?, _ plan: BlockPlan, tokens: Int, reading rows: [Int]?, arena: Arena, kernels: Kernels
    ) {
        self.dropout = dropout
        readDropout = rows.map { rows in dropout.map { $0.rows(rows) } } ?? dropout
        self.plan = plan
        self.kernels = kernels
        let widest = JoinedLayer.allCases.map(plan.inputWidth).max() ?? 0
        memory = dropout.map { _ in arena.matrix(rows: tokens, columns: widest) }
    }

    /// Floats that `init` takes of its arena for each token: the widest input, or nothing without dropout.
    static func floatsPerToken(_ plan: BlockPlan, _ layout: TrainableLayout?) -> Int {
        guard layout?.lowRank?.dropout ?? 0 > 0 else { return 0 }
        return JoinedLayer.allCases.map(plan.inputWidth).max() ?? 0
    }

    /// The input that a site's adapter sees; valid until the next call.
    func input(_ x_TI: Matrix, block: Int, site: Int) -> Matrix {
        guard let dropout = dropout(site), let memory else { return x_TI }
        let dropped_TI = memory.rows(0..<x_TI.rows).columns(0..<x_TI.columns)
        kernels.dropout(
            x_TI, into: dropped_TI, rowKeys: dropout.rowKeys, siteKey: Self.key(block: block, site: site),
            rate: dropout.rate)
        return dropped_TI
    }

    /// Adds Aᵀ(Bᵀg) to the gradient of a site's input, through the same mask.
    func addGradient(
        _ projected_TR: Matrix, _ a_RI: Matrix, to gradient_TI: Matrix, block: Int, site: Int
    ) {
        guard let dropout = dropout(site), let memory else {
            gradient_TI.product(of: projected_TR, and: a_RI, keep: 1)
            return
        }
        let through_TI = memory.rows(0..<gradient_TI.rows).columns(0..<gradient_TI.columns)
        through_TI.product(of: projected_TR, and: a_RI)
        kernels.addDropout(
            through_TI, to: gradient_TI, rowKeys: dropout.rowKeys, siteKey: Self.key(block: block, site: site),
            rate: dropout.rate)
    }

    private func dropout(_ site: Int) -> Dropout? {
        plan.sites[site].layer == .queryKeyValue ? dropout : readDropout
    }

    private static func key(block: Int, site: Int) -> UInt64 { UInt64(block) << 8 | UInt64(site) }
}
