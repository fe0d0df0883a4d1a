import Foundation

extension PEFTAdapter {
    static let configurationName = "adapter_config.json"
    static let tensorsName = "adapter_model.safetensors"

    /// Writes `adapter_model.safetensors`, then `adapter_config.json`, into an existing folder.
    ///
    /// - Throws: `AdapterError` when the adapter is not one that could be read again, `FileError.unwritable`.
    public func write(to folder: URL) throws {
        try check(folder.path)
        let configuration = try PEFTConfiguration.json(self)
        var tensors: [String: SafetensorsTensor] = [:]
        for (site, pair) in pairs {
            let a = AdapterTensorName(family, site, .a), b = AdapterTensorName(family, site, .b)
            tensors[a.text] = SafetensorsTensor(shape: [rank, pair.a.count / rank], values: pair.a)
            tensors[b.text] = SafetensorsTensor(shape: [pair.b.count / rank, rank], values: pair.b)
        }
        for (module, tensor) in savedModules { tensors[AdapterTensorName.saved(module)] = tensor }
        try SafetensorsFile.write(
            tensors, metadata: ["format": "pt"], to: folder.appendingPathComponent(Self.tensorsName))
        // The configuration comes last: a folder that has one is whole.
        try WholeFile.write([configuration], to: folder.appendingPathComponent(Self.configurationName))
    }

    /// Reads an adapter folder.
    ///
    /// - Throws: `AdapterError` when it is no plain LoRA adapter or its parts do not fit each other,
    ///   `SafetensorsError` or `FileError` when a file is damaged or not there.
    public init(contentsOf folder: URL) throws {
        let configuration = try PEFTConfiguration(contentsOf: folder)
        let tensors = folder.appendingPathComponent(Self.tensorsName)
        if !FileManager.default.fileExists(atPath: tensors.path), let pickle = HubFiles.pickle(in: folder) {
            throw HubError.pickled(file: pickle)
        }
        let file = try SafetensorsFile(tensors)
        var places: Set<AdapterSite> = []
        var families: [ModelFamily] = []
        var savedModules: [String: SafetensorsTensor] = [:]
        for name in file.shapes.keys.sorted() {
            if name == AdapterTensorName.saved(Self.classifier) {
                savedModules[Self.classifier] = SafetensorsTensor(
                    shape: file.shapes[name] ?? [], values: try file.values(name))
                continue
            }
            guard let parsed = AdapterTensorName(name), families.isEmpty || families == [parsed.family] else {
                throw AdapterError.unknownTensor(folder: folder.path, tensor: name)
            }
            families = [parsed.family]
            places.insert(parsed.site)
        }
        guard let family = families.first else {
            throw AdapterError.missingTensor(folder: folder.path, tensor: "lora_A.weight")
        }
        var pairs: [AdapterSite: LowRankPair] = [:]
        for site in places {
            pairs[site] = try LowRankPair(family, site, rank: configuration.rank, from: file, folder.path)
        }
        self.init(
            family: family, rank: configuration.rank, alpha: configuration.alpha,
            isRankStabilised: configuration.isRankStabilised, dropout: configuration.dropout,
            baseModel: configuration.baseModel ?? "", pairs: pairs, savedModules: savedModules)
        try check(folder.path)
        try configuration.check(fits: self, folder.path)
    }

    /// Whether there is something in it, every named module is changed in every named block by factors of the rank, and
    /// all numbers are finite: an adapter is small enough to look at each.
    private func check(_ folder: String) throws(AdapterError) {
        guard rank > 0, alpha.isFinite, alpha > 0, (0..<1).contains(dropout) else {
            throw .impossibleValue(
                file: folder, key: "r, lora_alpha, lora_dropout", value: "\(rank), \(alpha), \(dropout)")
        }
        guard !pairs.isEmpty else { throw .missingTensor(folder: folder, tensor: "lora_A.weight") }
        for (site, pair) in pairs {
            for (factor, values) in [(AdapterFactor.a, pair.a), (.b, pair.b)] {
                let name = AdapterTensorName(family, site, factor).text
                guard !values.isEmpty, values.count % rank == 0 else {
                    throw .wrongShape(
                        folder: folder, tensor: name, found: [values.count],
                        reason: "which is no multiple of the rank \(rank)")
                }
                guard values.allSatisfy(\.isFinite) else { throw .notFinite(folder: folder, tensor: name) }
            }
        }
        let modules = Set(pairs.keys.map(\.module)).sorted()
        for layer in layers {
            for module in modules where pairs[AdapterSite(layer: layer, module: module)] == nil {
                let site = AdapterSite(layer: layer, module: module)
                throw .missingTensor(folder: folder, tensor: AdapterTensorName(family, site, .a).text)
            }
        }
        for (module, tensor) in savedModules {
            let name = AdapterTensorName.saved(module)
            guard module == Self.classifier else { throw .unknownTensor(folder: folder, tensor: name) }
            guard tensor.shape.count == 2, tensor.shape.allSatisfy({ $0 > 0 }) else {
                throw .wrongShape(folder: folder, tensor: name, found: tensor.shape, reason: "which is no matrix")
            }
            guard tensor.values.allSatisfy(\.isFinite) else { throw .notFinite(folder: folder, tensor: name) }
        }
    }
}
