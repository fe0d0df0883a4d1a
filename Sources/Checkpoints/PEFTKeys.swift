/// The keys of `adapter_config.json` that LoRA needs, or that would change its mathematics.
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
    case initialisation = "init_lora_weights"
    case isRankStabilised = "use_rslora"
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
    case targetParameters = "target_parameters"
    case trainedTokens = "trainable_token_indices"
    case arrow = "arrow_config"
    case kasa = "kasa_config"
    case montecarlo = "monteclora_config"
    case blockDiagonal = "use_bdlora"
}

/// `adapter_config.json` as it was found. PEFT leaves out, or sets to null, what it does not use.
struct FoundConfiguration: Decodable {
    let rank: Int
    let alpha: Double
    let isRankStabilised: Bool
    let dropout: Double
    let targetModules: [String]?
    let layers: [Int]?
    let baseModel: String?
    let isClassifier: Bool
    /// The first setting that is not built in, in words.
    let unsupportedFeature: String?

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: PEFTKey.self)
        unsupportedFeature = try container.unsupportedFeature()
        rank = try container.decode(Int.self, forKey: .rank)
        alpha = try container.decode(Double.self, forKey: .alpha)
        isRankStabilised = try container.decodeIfPresent(Bool.self, forKey: .isRankStabilised) ?? false
        dropout = try container.decodeIfPresent(Double.self, forKey: .dropout) ?? 0
        // The only text that is not refused: the tensors say which layers there are.
        if (try? container.decode(String.self, forKey: .targetModules)) != nil {
            targetModules = nil
        } else {
            targetModules = try container.decode([String].self, forKey: .targetModules)
        }
        baseModel = try container.decodeIfPresent(String.self, forKey: .baseModel)
        // PEFT takes one block as a bare number.
        if let layer = try? container.decode(Int.self, forKey: .layers) {
            layers = [layer]
        } else {
            layers = try container.decodeIfPresent([Int].self, forKey: .layers)
        }
        isClassifier = try container.decodeIfPresent(String.self, forKey: .task) == PEFTTask.classifier
    }
}

/// The values of `task_type` that are built in.
enum PEFTTask {
    static let languageModel = "CAUSAL_LM"
    static let classifier = "SEQ_CLS"
}

extension KeyedDecodingContainer<PEFTKey> {
    /// The first setting that is not built in, in words. Whether weights are transposed is left to the family, as PEFT
    /// itself does, and the initialisation counts only where it changes the base model.
    fileprivate func unsupportedFeature() throws -> String? {
        let kind = try decode(String.self, forKey: .kind)
        if kind != "LORA" { return "the adapter kind \(kind)" }
        if let task = try decodeIfPresent(String.self, forKey: .task),
            ![PEFTTask.languageModel, PEFTTask.classifier].contains(task)
        {
            return "\(PEFTKey.task.rawValue) \(task)"
        }
        for key in [PEFTKey.decomposesWeights, .groupsInputs, .trainsBiases]
        where try decodeIfPresent(Bool.self, forKey: key) ?? false {
            return key.rawValue
        }
        if let bias = try decodeIfPresent(String.self, forKey: .bias), bias != "none" { return "bias \(bias)" }
        if let start = try? decode(String.self, forKey: .initialisation),
            !["gaussian", "eva", "orthogonal"].contains(start)
        {
            return "\(PEFTKey.initialisation.rawValue) \(start)"
        }
        if let targets = try? decode(String.self, forKey: .targetModules), targets != "all-linear" {
            return "\(PEFTKey.targetModules.rawValue) as the regular expression \(targets)"
        }
        for key in [PEFTKey.rankPattern, .alphaPattern]
        where !(try decodeIfPresent([String: Double].self, forKey: key) ?? [:]).isEmpty {
            return key.rawValue
        }
        // PEFT lists the usual names of a classifier, whichever the model has.
        let saved = try decodeIfPresent([String].self, forKey: .savedModules) ?? []
        if let module = saved.first(where: { ![PEFTAdapter.classifier, "classifier"].contains($0) }) {
            return "\(PEFTKey.savedModules.rawValue) \(module)"
        }
        // An empty list of these, as some writers leave it, changes nothing.
        for key in [PEFTKey.replicatedLayers, .invocationTokens, .targetParameters, .trainedTokens]
        where try contains(key) && !decodeNil(forKey: key) {
            let isEmpty = (try? nestedUnkeyedContainer(forKey: key))?.isAtEnd ?? false
            if !isEmpty { return key.rawValue }
        }
        for key in [PEFTKey.arrow, .kasa, .montecarlo, .blockDiagonal]
        where try contains(key) && !decodeNil(forKey: key) {
            return key.rawValue
        }
        return nil
    }
}
