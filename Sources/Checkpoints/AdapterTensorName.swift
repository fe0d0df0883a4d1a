/// Which of the two factors of a low-rank change a tensor is.
enum AdapterFactor: String {
    case a = "lora_A"
    case b = "lora_B"
}

/// The name PEFT gives to a factor, such as `base_model.model.model.layers.24.self_attn.q_proj.lora_A.weight`.
struct AdapterTensorName: Equatable {
    private static let prefix = "base_model.model."

    let family: ModelFamily
    let site: AdapterSite
    let factor: AdapterFactor

    init(_ family: ModelFamily, _ site: AdapterSite, _ factor: AdapterFactor) {
        self.family = family
        self.site = site
        self.factor = factor
    }

    /// The parts of a name, or nil when it is not one of a factor in a block of a family that is built in.
    init?(_ text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let path = text.dropFirst(Self.prefix.count)
        guard let family = ModelFamily.all.first(where: { path.hasPrefix($0.names.blocks) }) else { return nil }
        let parts = path.dropFirst(family.names.blocks.count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts.last == "weight",
            let factor = AdapterFactor(rawValue: String(parts[parts.count - 2])),
            let layer = Int(parts[0]), layer >= 0, String(layer) == parts[0]
        else { return nil }
        let module = parts[1..<(parts.count - 2)]
        guard module.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(family, AdapterSite(layer: layer, module: module.joined(separator: ".")), factor)
    }

    var text: String { "\(Self.prefix)\(family.names.inBlock(site.layer, site.module)).\(factor.rawValue).weight" }

    /// The name of the weight of a module that is saved as a whole.
    static func saved(_ module: String) -> String { "\(prefix)\(module).weight" }
}

extension LowRankPair {
    /// Reads both factors of a place and checks that their bottleneck has the rank.
    init(_ family: ModelFamily, _ site: AdapterSite, rank: Int, from file: SafetensorsFile, _ folder: String) throws {
        func read(_ factor: AdapterFactor, rankAt axis: Int) throws -> [Float] {
            let name = AdapterTensorName(family, site, factor).text
            guard let shape = file.shapes[name] else { throw AdapterError.missingTensor(folder: folder, tensor: name) }
            guard shape.count == 2, shape[0] > 0, shape[1] > 0 else {
                throw AdapterError.wrongShape(
                    folder: folder, tensor: name, found: shape, reason: "which is no matrix")
            }
            guard shape[axis] == rank else {
                throw AdapterError.wrongShape(
                    folder: folder, tensor: name, found: shape, reason: "which does not have the rank \(rank)")
            }
            return try file.values(name)
        }
        self.init(a: try read(.a, rankAt: 0), b: try read(.b, rankAt: 1))
    }
}
