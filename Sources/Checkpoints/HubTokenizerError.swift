import Diagnostics

/// What can be wrong with the tokenizer files of a hub folder.
public enum HubTokenizerError: NumberedError, Equatable {
    case missing(folder: String)
    case malformed(file: String, reason: String)
    case unsupported(file: String, feature: String)
    /// The ids are not those of a list: one is taken twice.
    case duplicateID(file: String, id: Int, tokens: [String])
    /// The ids are not those of a list: one is not there although a greater one is, or one is negative.
    case strayID(file: String, token: String, id: Int, expected: Int)
    /// An added token stands in the vocabulary under another id, or occurs twice.
    case contradictoryToken(file: String, token: String, ids: [Int])
    case unknownSpecialToken(file: String, key: String, token: String)

    /// The number under which the error is documented and with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .missing: .modelUnreadable
        case .unsupported: .tokenizerUnsupported
        default: .tokenizerMalformed
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .missing(let folder): "\(folder) has neither tokenizer.json nor vocab.json with merges.txt"
        case .malformed(let file, let reason): "\(file) is no tokenizer file: \(reason)"
        case .unsupported(let file, let feature): "the tokenizer in \(file) needs \(feature), which is not built in"
        case .duplicateID(let file, let id, let tokens): "\(file) gives the id \(id) to the tokens \(tokens)"
        case .strayID(let file, let token, let id, let expected):
            "\(file) gives the id \(id) to the token \"\(token)\", but no token has the id \(expected)"
        case .contradictoryToken(let file, let token, let ids):
            "\(file) gives the ids \(ids) to the token \"\(token)\""
        case .unknownSpecialToken(let file, let key, let token):
            "\(file) names the token \"\(token)\" as \(key), which the vocabulary does not have"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .missing: "Fetch the tokenizer's files into the folder, too"
        case .unsupported: "Take a model of the GPT-2, OPT, Llama-3 or SmolLM families"
        default: "Fetch the file again, or save the tokenizer again"
        }
    }
}
