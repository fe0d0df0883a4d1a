/// A linear layer that an adapter changes.
public struct AdapterSite: Hashable, Sendable, Comparable {
    /// The block, from 0.
    public let layer: Int
    /// The path inside the block, such as `self_attn.q_proj`.
    public let module: String

    /// - Parameters:
    ///   - layer: the block, from 0.
    ///   - module: the path inside the block.
    public init(layer: Int, module: String) {
        self.layer = layer
        self.module = module
    }

    /// The last part of the path, which configurations name.
    public var moduleName: String { lastPart(module) }

    /// Orders by block, then by path.
    public static func < (a: Self, b: Self) -> Bool { (a.layer, a.module) < (b.layer, b.module) }
}

/// The two factors of a low-rank change: the layer computes x Wᵀ + scale · x Aᵀ Bᵀ (Hu et al., 2021, §4.1).
public struct LowRankPair: Sendable, Equatable {
    /// A, [rank, inputs], row by row.
    public let a: [Float]
    /// B, [outputs, rank], row by row.
    public let b: [Float]

    /// - Parameters:
    ///   - a: [rank, inputs], row by row.
    ///   - b: [outputs, rank], row by row.
    public init(a: [Float], b: [Float]) {
        self.a = a
        self.b = b
    }
}

/// The last part of a module's path.
func lastPart(_ path: String) -> String { path.split(separator: ".").last.map(String.init) ?? path }
