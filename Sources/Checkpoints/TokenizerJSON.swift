/// The parts of a `tokenizer.json` that a byte-level tokenizer is made of.
///
/// Keys that do not change ids, such as `truncation`, are left out; those that would are here to be refused.
struct TokenizerJSON: Decodable {
    let model: Model
    let addedTokens: [AddedToken]?
    let normalizer: Part?
    let preTokenizer: Part?
    let postProcessor: Part?
    let decoder: Part?

    enum CodingKeys: String, CodingKey {
        case model
        case addedTokens = "added_tokens"
        case normalizer
        case preTokenizer = "pre_tokenizer"
        case postProcessor = "post_processor"
        case decoder
    }

    struct Model: Decodable {
        /// Old files leave it out.
        let type: String?
        let vocabulary: [String: Int]
        let merges: Merges
        let dropout: Double?
        let unknownToken: String?
        let subwordPrefix: String?
        let wordSuffix: String?
        let byteFallback: Bool?
        let ignoresMerges: Bool?

        enum CodingKeys: String, CodingKey {
            case type
            case vocabulary = "vocab"
            case merges
            case dropout
            case unknownToken = "unk_token"
            case subwordPrefix = "continuing_subword_prefix"
            case wordSuffix = "end_of_word_suffix"
            case byteFallback = "byte_fallback"
            case ignoresMerges = "ignore_merges"
        }
    }

    /// Merges as texts with a space between the two tokens, or as pairs.
    struct Merges: Decodable {
        let lines: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let lines = try? container.decode([String].self) {
                self.lines = lines
            } else {
                lines = try container.decode([[String]].self).map { $0.joined(separator: " ") }
            }
        }
    }

    /// A step of the pipeline; which keys it has depends on its type.
    struct Part: Decodable {
        let type: String
        let steps: [Step]

        private enum CodingKeys: String, CodingKey {
            case type
            case preTokenizers = "pretokenizers"
            case processors
            case decoders
        }

        /// A sequence is taken apart here; one inside another is a step of a type that nothing knows.
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            type = try container.decode(String.self, forKey: .type)
            if type == "Sequence" {
                steps =
                    try container.decodeIfPresent([Step].self, forKey: .preTokenizers)
                    ?? container.decodeIfPresent([Step].self, forKey: .processors)
                    ?? container.decode([Step].self, forKey: .decoders)
            } else {
                steps = [try Step(from: decoder)]
            }
        }
    }

    struct Step: Decodable {
        let type: String
        let addsPrefixSpace: Bool?
        let usesPattern: Bool?
        let digitsApart: Bool?
        let pattern: Pattern?
        let behavior: String?
        let isInverted: Bool?
        let single: [Item]?

        enum CodingKeys: String, CodingKey {
            case type
            case addsPrefixSpace = "add_prefix_space"
            case usesPattern = "use_regex"
            case digitsApart = "individual_digits"
            case pattern
            case behavior
            case isInverted = "invert"
            case single
        }
    }

    struct Pattern: Decodable {
        let regex: String?
        let text: String?

        enum CodingKeys: String, CodingKey {
            case regex = "Regex"
            case text = "String"
        }
    }

    /// A place in the template of a text: a special token or the text itself.
    struct Item: Decodable {
        let specialToken: Name?
        let sequence: Name?

        struct Name: Decodable {
            let id: String
        }

        enum CodingKeys: String, CodingKey {
            case specialToken = "SpecialToken"
            case sequence = "Sequence"
        }
    }
}

/// A token that is found by name in text, as `tokenizer.json` and `tokenizer_config.json` describe it.
struct AddedToken: Decodable {
    /// Only in `tokenizer.json`; elsewhere it is the key.
    let id: Int?
    let content: String
    let isSpecial: Bool?
    let isWord: Bool?
    let stripsLeft: Bool?
    let stripsRight: Bool?

    enum CodingKeys: String, CodingKey {
        case id
        case content
        case isSpecial = "special"
        case isWord = "single_word"
        case stripsLeft = "lstrip"
        case stripsRight = "rstrip"
    }

    /// What it asks for that is not built in. (`normalized` changes nothing where there is no normalizer.)
    var unsupportedFeature: String? {
        if isWord == true { return "the added token \"\(content)\" with single_word" }
        if stripsLeft == true { return "the added token \"\(content)\" with lstrip" }
        return stripsRight == true ? "the added token \"\(content)\" with rstrip" : nil
    }
}
