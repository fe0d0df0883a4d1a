import Checkpoints
import Tensors

/// What all blocks of a model have in common: the widths of the four joined products, and the linear layers in them.
struct BlockPlan: Sendable {
    let model: Hyperparameters
    /// The linear layers of a block, each a part of a joined product.
    let sites: [LinearSite]
    let attention: AttentionShape
    private let sitesByLayer: [[Int]]

    init(_ model: Hyperparameters) {
        self.model = model
        let sites = model.family.linears(model)
        self.sites = sites
        sitesByLayer = JoinedLayer.allCases.map { layer in sites.indices.filter { sites[$0].layer == layer } }
        attention = AttentionShape(
            heads: model.heads, keyValueHeads: model.keyValueHeads, headDimension: model.headDimension)
    }

    /// Places in `sites` of the linear layers that a product joins.
    func sites(in layer: JoinedLayer) -> [Int] { sitesByLayer[layer.rawValue] }

    func inputWidth(_ layer: JoinedLayer) -> Int {
        switch layer {
        case .queryKeyValue, .expansion: model.width
        case .attentionOutput: model.queryWidth
        case .contraction: model.feedForwardWidth
        }
    }

    func outputWidth(_ layer: JoinedLayer) -> Int {
        switch layer {
        case .queryKeyValue: model.queryWidth + 2 * model.keyWidth
        case .expansion: model.expandedWidth
        case .attentionOutput, .contraction: model.width
        }
    }

    func queries(_ joined: Matrix) -> Matrix { joined.columns(0..<model.queryWidth) }

    func keys(_ joined: Matrix) -> Matrix {
        joined.columns(model.queryWidth..<model.queryWidth + model.keyWidth)
    }

    func values(_ joined: Matrix) -> Matrix {
        joined.columns(model.queryWidth + model.keyWidth..<model.queryWidth + 2 * model.keyWidth)
    }
}
