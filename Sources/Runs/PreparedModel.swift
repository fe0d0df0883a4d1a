import Checkpoints
import Diagnostics
import Foundation
import Models
import Recipes
import Tensors
import Tokenizers

/// The recipe's model, opened and checked against the recipe, and its tokenizer.
public struct PreparedModel: Sendable {
    /// Frozen weights, shared by every role of the process.
    public let model: LanguageModel
    /// The tokenizer that the model was trained with.
    public let tokenizer: ByteLevelBPE
    /// The form of chats that the model was trained with, if it is one that is built in.
    public let chat: ChatML?

    /// Opens the model, checks its digest, and dequantises its blocks.
    ///
    /// - Parameters:
    ///   - loadedBlocks: how many of the lowest blocks are needed in memory; nil for all. A device runs no more than the
    ///     frozen ones, and nobody needs frozen weights of blocks that are about to train as a whole.
    ///   - forwardOnly: how many of the lowest blocks never run backward; nil for those below all that the recipe trains.
    ///   - loading: when they are loaded.
    ///   - trunkBlocks: how many of the lowest blocks count as embedding; everything else counts those above.
    ///   - observer: is told of prepared blocks, on the thread that loads.
    /// - Throws: `RunError`, or what the file, the model or its tokenizer is refused with.
    public init(
        _ recipe: Recipe, loadedBlocks: Int? = nil, forwardOnly: Int? = nil,
        loading: LanguageModel.Loading = .atOnce(nil), trunkBlocks: Int = 0, cache: CacheFolder,
        observer: @escaping @Sendable (PreparedNews) -> Void = { _ in }
    ) throws {
        let opened = try OpenedModel(recipe, trunkBlocks: trunkBlocks, cache: cache)
        tokenizer = opened.tokenizer
        chat = opened.chat
        let type = WeightType(recipe.model.baseType)
        var prepared: PreparedBlocks?
        // Blocks above a trunk are not numbered as in the file, and a comparison is one process.
        if recipe.model.prepared, trunkBlocks == 0, let digest = recipe.model.sha256 {
            prepared = try PreparedWeights(
                source: opened.source, digest: digest, type: type, cache: cache, observer: observer
            ).open()
        }
        model = try LanguageModel(
            source: opened.source, maximumTokens: recipe.maximumSequence, loadedBlocks: loadedBlocks,
            forwardOnly: forwardOnly ?? recipe.blocksBelowTraining, weightType: type, loading: loading,
            prepared: prepared, trunk: opened.trunk)
    }
}

/// The recipe's model with none of its weights in memory, checked against the recipe, and its tokenizer.
struct OpenedModel {
    /// Of the blocks above the trunk.
    let source: any ModelSource
    let trunk: Trunk?
    let tokenizer: ByteLevelBPE
    /// The form of chats that the model was trained with, if it is one that is built in.
    let chat: ChatML?

    /// Opens the model and checks its digest.
    ///
    /// - Throws: `RunError`, or what the file, the model or its tokenizer is refused with.
    init(_ recipe: Recipe, trunkBlocks: Int = 0, cache: CacheFolder) throws {
        let path = cache.resolve(recipe.model.path)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw RunError.fileMissing(path: path, key: "model.path")
        }
        guard !isFolder.boolValue || recipe.model.sha256 == nil else { throw RunError.digestOfFolder(path: path) }
        if let sha256 = recipe.model.sha256 {
            try checkFile(path, sha256: sha256, key: "model.path", remembering: cache)
        }
        let whole = try ModelFiles.open(path)
        guard trunkBlocks < whole.hyperparameters.layers else {
            throw RunError.trunkBeyondModel(blocks: trunkBlocks, layers: whole.hyperparameters.layers)
        }
        source = trunkBlocks > 0 ? UpperModel(of: whole, from: trunkBlocks) : whole
        try recipe.check(against: source.hyperparameters)
        trunk =
            trunkBlocks > 0
            ? try Trunk(
                of: whole, blocks: trunkBlocks, maximumTokens: recipe.maximumSequence,
                weightType: WeightType(recipe.model.baseType)) : nil
        let metadata = try TokenizerMetadata(of: whole)
        tokenizer = try ByteLevelBPE(metadata)
        chat = ChatML(template: metadata.chatTemplate, tokenizer: tokenizer)
    }
}

extension WeightType {
    /// As a recipe asks for.
    init(_ type: Recipe.BaseType) {
        self =
            switch type {
            case .f32: .f32
            case .bf16: .bf16
            case .int8: .int8
            }
    }
}

extension Recipe {
    /// The longest sequence that the model will run, in tokens.
    var maximumSequence: Int { task.maximumTokens + evaluation.generateTokens }

    /// The blocks that a server needs in memory: those that train as a whole are no frozen ones. nil for all.
    var serverBlocks: Int? {
        training.trainable == .full && !training.method.trainsOnDevices ? model.frozenBlocks : nil
    }

    /// The blocks that a device needs in memory; nil for all.
    var deviceBlocks: Int? {
        let method = training.method
        guard method.trainsOnDevices else { return model.frozenBlocks }
        return method.isFederated ? nil : training.trainable == .full ? 0 : commonCut
    }

    /// What every target of a message is below.
    func targetLimit(vocabularySize: Int) -> Int { task.head == .lm ? vocabularySize : task.labels.count }

    /// Refuses what no single key shows to be impossible, but the model does.
    ///
    /// - Throws: `RunError`.
    func check(against sizes: Hyperparameters) throws(RunError) {
        guard model.frozenBlocks < sizes.layers else {
            throw .frozenBlocksBeyondModel(frozen: model.frozenBlocks, layers: sizes.layers)
        }
        guard !training.method.trainsOnDevices || commonCut < sizes.layers else {
            throw .cutBeyondModel(cut: commonCut, layers: sizes.layers)
        }
        guard task.maximumTokens + evaluation.generateTokens <= sizes.contextLength else {
            throw .promptBeyondContext(
                maximumTokens: task.maximumTokens, generateTokens: evaluation.generateTokens,
                context: sizes.contextLength)
        }
        if let last = lora.blocks?.upperBound, last > sizes.layers {
            throw .adapterBlocksBeyondModel(last: last, layers: sizes.layers)
        }
        let known = Set(sizes.family.linears(sizes).map(\.target))
        let unknown = (lora.targets ?? []).filter { !known.contains($0) }
        guard training.trainable == .full || unknown.isEmpty else {
            throw .targetsNotInModel(targets: unknown, family: sizes.family.name, known: known.sorted())
        }
    }
}
