import Checkpoints
import Foundation
import Tokenizers

extension TokenizerMetadata {
    /// The tokenizer that stands in a model's GGUF file or beside it in its hub folder.
    ///
    /// - Throws: what the tokenizer's files are refused with.
    init(of source: any ModelSource, path: String) throws {
        if let model = source as? GGUFModel {
            self = try model.file.tokenizerMetadata()
        } else {
            try self.init(hubFolder: URL(fileURLWithPath: path))
        }
    }
}
