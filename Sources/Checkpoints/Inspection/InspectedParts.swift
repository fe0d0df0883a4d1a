import Foundation

extension Hyperparameters {
    /// Sizes and constants in words.
    var inspected: [InspectedSize] {
        let rotation =
            switch positions {
            case .rotary(let base, let factors): "rotary, base \(base)\(factors == nil ? "" : ", scaled")"
            case .learned: "learned"
            }
        return [
            ("layers", "\(layers)"), ("width", "\(width)"), ("feed-forward width", "\(feedForwardWidth)"),
            ("heads", "\(heads)"), ("key-value heads", "\(keyValueHeads)"), ("head dimension", "\(headDimension)"),
            ("vocabulary", "\(vocabularySize)"), ("context", "\(contextLength)"), ("positions", rotation),
            ("activation", "\(activation)"), ("tied embeddings", tiedEmbeddings ? "yes" : "no"),
        ].map { InspectedSize(name: $0, value: $1) }
    }
}

extension InspectedTokenizer {
    /// What lies beside a model in its folder, recognised and not read as a whole.
    init?(hubFolder folder: URL) {
        func exists(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
        }
        let model: String
        if exists("tokenizer.json") {
            model = "tokenizer.json"
        } else if exists("vocab.json"), exists("merges.txt") {
            model = "vocab.json and merges.txt"
        } else {
            return nil
        }
        let template = (try? HubConfiguration(folder.appendingPathComponent("tokenizer_config.json")))?["chat_template"]
        self.init(
            model: model, preTokenizer: nil, tokens: nil,
            hasChatTemplate: template != nil || exists("chat_template.jinja"))
    }
}

/// What a GGUF adapter says of itself.
struct GGUFAdapterSummary {
    private let alpha: Double
    private let rank: Int
    private let targets: [String]
    private let blocks: [Int]

    /// - Throws: `GGUFError` when alpha is missing or the tensors are no factors of one rank.
    init(_ file: GGUFFile) throws(GGUFError) {
        alpha = try file.required("adapter.lora.alpha", file.number)
        var ranks: Set<Int> = [], targets: Set<String> = [], blocks: Set<Int> = []
        for tensor in file.tensors.values {
            let parts = tensor.name.split(separator: ".")
            let isA = tensor.name.hasSuffix(".lora_a")
            guard isA || tensor.name.hasSuffix(".lora_b"), tensor.shape.count == 2 else {
                throw .unsupportedFeature(file: file.path, feature: "the tensor \(tensor.name)")
            }
            ranks.insert(tensor.shape[isA ? 0 : 1])
            if parts.count > 3, parts[0] == "blk", let block = Int(parts[1]) {
                blocks.insert(block)
                targets.insert(String(parts[2]))
            }
        }
        guard ranks.count == 1, let rank = ranks.first else {
            throw .malformed(file: file.path, place: "the tensors", reason: "they have the ranks \(ranks.sorted())")
        }
        self.rank = rank
        self.targets = targets.sorted()
        self.blocks = blocks.sorted()
    }

    func adapter(trainables: Int) -> InspectedAdapter {
        InspectedAdapter(
            rank: rank, alpha: alpha, isRankStabilised: false, targets: targets, blocks: blocks,
            trainables: trainables, savedModules: [], baseModel: nil)
    }
}
