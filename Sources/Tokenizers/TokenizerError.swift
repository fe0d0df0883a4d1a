import Diagnostics

/// What can be wrong with a tokenizer's vocabulary.
public enum TokenizerError: NumberedError, Equatable {
    case unknownModel(String)
    case unknownPreTokenizer(String)
    case tooManyTokens(Int)
    case duplicateToken(token: String, ids: [Int])
    /// The vocabulary cannot spell ordinary text: these bytes have no token.
    case missingByteTokens([UInt8])
    case malformedMerge(rank: Int, merge: String)
    case duplicateMerge(rank: Int, merge: String)
    /// A merge takes or makes a token that the vocabulary does not have.
    case unknownTokenInMerge(rank: Int, merge: String, token: String)
    case specialTokenOutside(id: Int32, count: Int)

    /// The number under which the error is documented and with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .unknownModel, .unknownPreTokenizer, .tooManyTokens: .tokenizerUnsupported
        default: .tokenizerMalformed
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .unknownModel(let name): "the tokenizer is of the kind \"\(name)\", which is not built in"
        case .unknownPreTokenizer(let name): "the tokenizer cuts words by the rule \"\(name)\", which is not built in"
        case .tooManyTokens(let count): "the tokenizer has \(count) tokens, more than ids can number"
        case .duplicateToken(let token, let ids): "the tokenizer has the token \"\(token)\" under the ids \(ids)"
        case .missingByteTokens(let bytes): "the tokenizer has no tokens for the bytes \(bytes)"
        case .malformedMerge(let rank, let merge):
            "merge \(rank) of the tokenizer, \"\(merge)\", is not two tokens with a space between them"
        case .duplicateMerge(let rank, let merge): "merge \(rank) of the tokenizer, \"\(merge)\", occurred before"
        case .unknownTokenInMerge(let rank, let merge, let token):
            "merge \(rank) of the tokenizer, \"\(merge)\", needs the unknown token \"\(token)\""
        case .specialTokenOutside(let id, let count): "the special token \(id) is outside the \(count) tokens"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .unknownModel: "Take a model with a byte-level byte-pair encoding"
        case .unknownPreTokenizer:
            "Take a model whose rule is one of " + PreTokenizer.allCases.map(\.rawValue).joined(separator: ", ")
        case .missingByteTokens: "Check that the model's tokenizer is a byte-level one"
        default: "Fetch the model again and compare its checksum"
        }
    }
}
