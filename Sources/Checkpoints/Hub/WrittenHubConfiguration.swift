import Foundation

extension Hyperparameters {
    /// The text of a `config.json` that transformers loads the model with, for weights in F32.
    ///
    /// - Parameter tokenIDs: further keys, such as `eos_token_id`.
    /// - Throws: `HubError.unsupported` for rotation factors that no configuration describes.
    func hubConfiguration(tokenIDs: [String: ConfigurationValue]) throws -> Data {
        var values = try family.configuration(self).merging(tokenIDs) { $1 }
        values["model_type"] = .text(family.name)
        values["vocab_size"] = .integer(vocabularySize)
        values["tie_word_embeddings"] = .flag(tiedEmbeddings)
        values["torch_dtype"] = .text("float32")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(values) + Data("\n".utf8)
    }
}

/// The double that is written with as few digits as the float: 1e-05 and not 9.999999747378752e-06.
func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }
