/// A tensor of a model under its hub name.
public struct HubTensor: Sendable, Equatable {
    /// The hub name, such as `model.layers.0.self_attn.q_proj.weight`.
    public let name: String
    /// Dimensions, outermost first, as hub files have them.
    public let shape: [Int]
    /// The linear layer that this is the weight of, if it is one.
    public let linear: PlacedLinear?

    init(_ name: String, _ shape: [Int], linear: PlacedLinear? = nil) {
        self.name = name
        self.shape = shape
        self.linear = linear
    }
}

/// A linear layer of one block.
public struct PlacedLinear: Sendable, Equatable {
    /// The block, from 0.
    public let block: Int
    /// The layer inside the block.
    public let site: LinearSite

    /// The place as adapters name it.
    public var adapterSite: AdapterSite { AdapterSite(layer: block, module: site.module) }
}

extension Hyperparameters {
    /// Every tensor of a model of these sizes, under hub names and in hub orientation.
    public var tensors: [HubTensor] {
        let names = family.names
        var tensors = [HubTensor("\(names.embedding).weight", [vocabularySize, width])]
        if let positions = names.positions, case .learned(let offset) = self.positions {
            tensors.append(HubTensor("\(positions).weight", [contextLength + offset, width]))
        }
        let sites = family.linears(self)
        for block in 0..<layers {
            for norm in [names.attentionNorm, names.feedForwardNorm] {
                tensors += self.norm(names.inBlock(block, norm))
            }
            for site in sites {
                let path = names.inBlock(block, site.module)
                tensors.append(
                    HubTensor("\(path).weight", site.storedShape, linear: PlacedLinear(block: block, site: site)))
                if hasBiases { tensors.append(HubTensor("\(path).bias", [site.outputs.count])) }
            }
        }
        tensors += norm(names.finalNorm)
        if !tiedEmbeddings { tensors.append(HubTensor("\(names.head).weight", [vocabularySize, width])) }
        return tensors
    }

    private func norm(_ path: String) -> [HubTensor] {
        let weight = HubTensor("\(path).weight", [width])
        return normalisation == .layer ? [weight, HubTensor("\(path).bias", [width])] : [weight]
    }
}

extension LinearSite {
    /// The weight's dimensions in hub files, outermost first.
    var storedShape: [Int] { isStoredTransposed ? [inputWidth, outputs.count] : [outputs.count, inputWidth] }
}
