import Checkpoints
import Foundation

extension TokenizerMetadata {
    /// The tokenizer that stands in or beside a model.
    ///
    /// - Throws: what the tokenizer's files are refused with.
    init(of source: any ModelSource, path: String) throws {
        guard let model = source as? GGUFModel else {
            preconditionFailure("hub tokenizers are to come")
        }
        self = try model.file.tokenizerMetadata()
    }
}
