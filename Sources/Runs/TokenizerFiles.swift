import Checkpoints
import Foundation
import Tokenizers

extension TokenizerMetadata {
    /// The tokenizer that stands in a model's file or beside it.
    ///
    /// - Throws: what the tokenizer's files are refused with.
    init(of source: any ModelSource) throws {
        switch source {
        case let model as GGUFModel: self = try model.file.tokenizerMetadata()
        case let model as HubModel: self = try TokenizerMetadata(hubFolder: model.folder)
        default: throw RunError.noTokenizer
        }
    }
}
