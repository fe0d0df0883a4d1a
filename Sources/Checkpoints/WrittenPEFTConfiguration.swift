/// `adapter_config.json` as this program writes it.
struct WrittenConfiguration: Encodable {
    private let adapter: PEFTAdapter
    private let targetModules: [String]
    private let transposesWeights: Bool

    /// - Throws: `AdapterError.otherBase` when the family has no such layer.
    init(_ adapter: PEFTAdapter) throws {
        self.adapter = adapter
        let sites = try adapter.family.linearsOfAnySize()
        let changed = Set(adapter.pairs.keys.map(\.module))
        for module in changed.sorted() where !sites.contains(where: { $0.module == module }) {
            throw AdapterError.otherBase(reason: "the family \(adapter.family.name) has no layer \(module)")
        }
        transposesWeights = sites.contains { changed.contains($0.module) && $0.isStoredTransposed }
        // A name alone means every layer that bears it, so it will do only where all of them are changed.
        targetModules = Set(
            changed.map { module in
                let name = lastPart(module)
                let namesakes = sites.map(\.module).filter { lastPart($0) == name }
                return namesakes.allSatisfy(changed.contains) ? name : module
            }
        ).sorted()
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: PEFTKey.self)
        try container.encode("LORA", forKey: .kind)
        let isClassifier = adapter.savedModules[PEFTAdapter.classifier] != nil
        try container.encode(isClassifier ? PEFTTask.classifier : PEFTTask.languageModel, forKey: .task)
        if isClassifier { try container.encode([PEFTAdapter.classifier], forKey: .savedModules) }
        try container.encode(adapter.rank, forKey: .rank)
        try container.encode(adapter.alpha, forKey: .alpha)
        try container.encode(adapter.dropout, forKey: .dropout)
        try container.encode(targetModules, forKey: .targetModules)
        try container.encode(adapter.layers, forKey: .layers)
        try container.encode(lastPart(adapter.family.names.blocks), forKey: .layersPattern)
        try container.encode("none", forKey: .bias)
        try container.encode(adapter.baseModel, forKey: .baseModel)
        try container.encode(true, forKey: .initialisation)
        try container.encode(adapter.isRankStabilised, forKey: .isRankStabilised)
        try container.encode(false, forKey: .decomposesWeights)
        try container.encode(transposesWeights, forKey: .transposesWeights)
        try container.encode(true, forKey: .inferenceOnly)
    }
}

extension ModelFamily {
    /// The linear layers of a block for their names and storage, which are the same for all sizes.
    func linearsOfAnySize() throws(HyperparameterError) -> [LinearSite] {
        linears(
            try Hyperparameters(
                family: self, layers: 1, width: 2, feedForwardWidth: 2, heads: 1, keyValueHeads: 1, headDimension: 2,
                vocabularySize: 1, contextLength: 1, positions: .learned(offset: 0), normalisation: .layer,
                normEpsilon: 1e-5, activation: .relu, hasBiases: false, tiedEmbeddings: true))
    }
}
