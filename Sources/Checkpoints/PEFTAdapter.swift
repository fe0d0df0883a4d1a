import Foundation

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

/// The two factors of a low-rank change: the layer computes x Wᵀ + (alpha / rank) x Aᵀ Bᵀ (Hu et al., 2021, §4.1).
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

/// A LoRA adapter in the form that Python's PEFT writes and reads.
public struct PEFTAdapter: Sendable, Equatable {
    /// The width of the bottleneck.
    public let rank: Int
    /// The numerator of the change's scale alpha / rank.
    public let alpha: Double
    /// The last parts of the changed modules' paths, such as `q_proj`, sorted.
    public let targetModules: [String]
    /// The changed blocks, from 0, sorted.
    public let layers: [Int]
    /// What the adapter was trained on, as a name or path for people.
    public let baseModel: String
    /// The factors by place.
    public let pairs: [AdapterSite: LowRankPair]

    /// - Parameters:
    ///   - rank: the width of the bottleneck, positive.
    ///   - alpha: the numerator of the change's scale.
    ///   - baseModel: what the adapter was trained on, as a name or path for people.
    ///   - pairs: the factors by place; every named module is changed in every changed block.
    public init(rank: Int, alpha: Double, baseModel: String, pairs: [AdapterSite: LowRankPair]) {
        self.rank = rank
        self.alpha = alpha
        self.baseModel = baseModel
        self.pairs = pairs
        targetModules = Set(pairs.keys.map(\.moduleName)).sorted()
        layers = Set(pairs.keys.map(\.layer)).sorted()
    }

    static let configurationName = "adapter_config.json"
    static let tensorsName = "adapter_model.safetensors"

    /// Writes `adapter_model.safetensors`, then `adapter_config.json`, into an existing folder.
    ///
    /// - Throws: `AdapterError` when the adapter is not one that could be read again, `FileError.unwritable`.
    public func write(to folder: URL) throws {
        try checkSites(folder.path)
        var tensors: [String: SafetensorsTensor] = [:]
        for (site, pair) in pairs {
            let a = AdapterTensorName(site: site, factor: .a)
            let b = AdapterTensorName(site: site, factor: .b)
            tensors[a.text] = SafetensorsTensor(shape: [rank, pair.a.count / rank], values: pair.a)
            tensors[b.text] = SafetensorsTensor(shape: [pair.b.count / rank, rank], values: pair.b)
        }
        try SafetensorsFile.write(
            tensors, metadata: ["format": "pt"], to: folder.appendingPathComponent(Self.tensorsName))
        // The configuration comes last: a folder that has one is whole.
        try WholeFile.write(
            [PEFTConfiguration.json(self)], to: folder.appendingPathComponent(Self.configurationName))
    }

    /// Reads an adapter folder.
    ///
    /// - Throws: `AdapterError` when it is no plain LoRA adapter or its parts do not fit each other,
    ///   `SafetensorsError` or `FileError` when a file is damaged or not there.
    public init(contentsOf folder: URL) throws {
        let configuration = try PEFTConfiguration(contentsOf: folder)
        let file = try SafetensorsFile(folder.appendingPathComponent(Self.tensorsName))
        var sites: Set<AdapterSite> = []
        for name in file.shapes.keys.sorted() {
            guard let parsed = AdapterTensorName(name) else {
                throw AdapterError.unknownTensor(folder: folder.path, tensor: name)
            }
            sites.insert(parsed.site)
        }
        var pairs: [AdapterSite: LowRankPair] = [:]
        for site in sites {
            pairs[site] = try LowRankPair(site, rank: configuration.rank, from: file, folder.path)
        }
        self.init(
            rank: configuration.rank, alpha: configuration.alpha, baseModel: configuration.baseModel ?? "",
            pairs: pairs)
        try checkSites(folder.path)
        guard targetModules == configuration.targetModules else {
            throw AdapterError.outsideConfiguration(folder: folder.path, place: "target_modules")
        }
        guard configuration.layers == nil || configuration.layers == layers else {
            throw AdapterError.outsideConfiguration(folder: folder.path, place: "layers_to_transform")
        }
    }

    /// Whether there is something in it, and every named module is changed in every named block by factors of the rank.
    private func checkSites(_ folder: String) throws(AdapterError) {
        guard rank > 0, alpha.isFinite, alpha > 0 else {
            throw .impossibleValue(file: folder, key: "r, lora_alpha", value: "\(rank), \(alpha)")
        }
        guard !pairs.isEmpty else {
            throw .missingTensor(folder: folder, tensor: "lora_A.weight")
        }
        for (site, pair) in pairs {
            for (factor, values) in [(AdapterFactor.a, pair.a), (.b, pair.b)] {
                guard !values.isEmpty, values.count % rank == 0 else {
                    throw .wrongShape(
                        folder: folder, tensor: AdapterTensorName(site: site, factor: factor).text,
                        found: [values.count], reason: "which is no multiple of the rank \(rank)")
                }
            }
        }
        let modules = Set(pairs.keys.map(\.module))
        for layer in layers {
            for module in modules.sorted() where pairs[AdapterSite(layer: layer, module: module)] == nil {
                let site = AdapterSite(layer: layer, module: module)
                throw .missingTensor(folder: folder, tensor: AdapterTensorName(site: site, factor: .a).text)
            }
        }
    }
}
