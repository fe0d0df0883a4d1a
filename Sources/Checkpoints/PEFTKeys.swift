/// The keys of `adapter_config.json` that plain LoRA needs, or that would change its mathematics.
enum PEFTKey: String, CodingKey {
    case kind = "peft_type"
    case task = "task_type"
    case rank = "r"
    case alpha = "lora_alpha"
    case dropout = "lora_dropout"
    case targetModules = "target_modules"
    case layers = "layers_to_transform"
    case layersPattern = "layers_pattern"
    case bias
    case baseModel = "base_model_name_or_path"
    case initialisesWeights = "init_lora_weights"
    case stabilisesRank = "use_rslora"
    case decomposesWeights = "use_dora"
    case transposesWeights = "fan_in_fan_out"
    case groupsInputs = "use_qalora"
    case trainsBiases = "lora_bias"
    case invocationTokens = "alora_invocation_tokens"
    case inferenceOnly = "inference_mode"
    case savedModules = "modules_to_save"
    case rankPattern = "rank_pattern"
    case alphaPattern = "alpha_pattern"
    case replicatedLayers = "layer_replication"
}

/// `adapter_config.json` as it was found. PEFT leaves out, or sets to null, what it does not use.
struct FoundConfiguration: Decodable {
    let rank: Int
    let alpha: Double
    let targetModules: [String]
    let layers: [Int]?
    let baseModel: String?
    /// The first setting that is not plain LoRA, in words.
    let unsupportedFeature: String?

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: PEFTKey.self)
        unsupportedFeature = try Self.unsupportedFeature(in: container)
        rank = try container.decode(Int.self, forKey: .rank)
        alpha = try container.decode(Double.self, forKey: .alpha)
        targetModules = try container.decode([String].self, forKey: .targetModules)
        baseModel = try container.decodeIfPresent(String.self, forKey: .baseModel)
        // PEFT takes one block as a bare number.
        if let layer = try? container.decode(Int.self, forKey: .layers) {
            layers = [layer]
        } else {
            layers = try container.decodeIfPresent([Int].self, forKey: .layers)
        }
    }

    private static func unsupportedFeature(in container: KeyedDecodingContainer<PEFTKey>) throws -> String? {
        let kind = try container.decode(String.self, forKey: .kind)
        if kind != "LORA" { return "the adapter kind \(kind)" }
        let flags: [PEFTKey] = [.stabilisesRank, .decomposesWeights, .transposesWeights, .groupsInputs, .trainsBiases]
        for key in flags {
            if try container.decodeIfPresent(Bool.self, forKey: key) ?? false { return key.rawValue }
        }
        if let bias = try container.decodeIfPresent(String.self, forKey: .bias), bias != "none" {
            return "bias \(bias)"
        }
        for key in [PEFTKey.rankPattern, .alphaPattern] {
            let pattern = try container.decodeIfPresent([String: Double].self, forKey: key)
            if !(pattern ?? [:]).isEmpty { return key.rawValue }
        }
        // An empty list of these, as some writers leave it, changes nothing.
        let lists: [PEFTKey] = [.savedModules, .replicatedLayers, .invocationTokens]
        for key in lists where try !container.decodesNil(forKey: key) {
            let list = try container.nestedUnkeyedContainer(forKey: key)
            if !list.isAtEnd { return key.rawValue }
        }
        return nil
    }
}

extension KeyedDecodingContainer<PEFTKey> {
    /// Whether a key is missing or null.
    fileprivate func decodesNil(forKey key: PEFTKey) throws -> Bool { try !contains(key) || decodeNil(forKey: key) }
}

/// `adapter_config.json` as this program writes it.
struct WrittenConfiguration: Encodable {
    let adapter: PEFTAdapter

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: PEFTKey.self)
        try container.encode("LORA", forKey: .kind)
        try container.encode("CAUSAL_LM", forKey: .task)
        try container.encode(adapter.rank, forKey: .rank)
        try container.encode(adapter.alpha, forKey: .alpha)
        try container.encode(0.0, forKey: .dropout)
        try container.encode(adapter.targetModules, forKey: .targetModules)
        try container.encode(adapter.layers, forKey: .layers)
        try container.encode("layers", forKey: .layersPattern)
        try container.encode("none", forKey: .bias)
        try container.encode(adapter.baseModel, forKey: .baseModel)
        try container.encode(true, forKey: .initialisesWeights)
        for key in [PEFTKey.stabilisesRank, .decomposesWeights, .transposesWeights] {
            try container.encode(false, forKey: key)
        }
        try container.encode(true, forKey: .inferenceOnly)
    }
}
