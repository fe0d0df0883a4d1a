import Checkpoints
import Crypto
import Diagnostics
import Foundation
import Models
import Recipes
import Tokenizers

/// The recipe's model, opened and checked against the recipe, and its tokenizer.
public struct PreparedModel: Sendable {
    /// Frozen weights, shared by every role of the process.
    public let model: LlamaModel
    /// The tokenizer that the model was trained with.
    public let tokenizer: ByteLevelBPE

    /// Opens the model file, checks its digest, and dequantises all blocks.
    ///
    /// - Throws: `RunError`, or what the file, the model or its tokenizer is refused with.
    public init(_ recipe: Recipe, cache: CacheFolder) throws {
        let path = cache.resolve(recipe.model.path)
        try checkFile(path, sha256: recipe.model.sha256, key: "model.path")
        let source = try GGUFModel(URL(fileURLWithPath: path))
        let sizes = source.hyperparameters
        guard recipe.model.frozenBlocks < sizes.layers else {
            throw RunError.frozenBlocksBeyondModel(frozen: recipe.model.frozenBlocks, layers: sizes.layers)
        }
        guard recipe.task.maximumTokens <= sizes.contextLength else {
            throw RunError.promptBeyondContext(
                maximumTokens: recipe.task.maximumTokens, context: sizes.contextLength)
        }
        tokenizer = try ByteLevelBPE(source.file.tokenizerMetadata())
        model = try LlamaModel(source: source, maximumTokens: recipe.task.maximumTokens)
    }
}

/// Refuses a file that is missing or, when a digest is known, another one.
///
/// - Throws: `RunError.fileMissing` or `.checksumMismatch`, or `FileError.unreadable` when reading fails on the way.
func checkFile(_ path: String, sha256: String?, key: String) throws {
    guard let handle = FileHandle(forReadingAtPath: path) else { throw RunError.fileMissing(path: path, key: key) }
    defer { try? handle.close() }
    guard let sha256 else { return }
    var hash = SHA256()
    do {
        while let piece = try handle.read(upToCount: 4 << 20), !piece.isEmpty { hash.update(data: piece) }
    } catch {
        throw FileError.unreadable(file: path, reason: systemReason(of: error))
    }
    let found = hash.finalize().map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
    guard found == sha256.lowercased() else {
        throw RunError.checksumMismatch(path: path, expected: sha256, found: found)
    }
}
