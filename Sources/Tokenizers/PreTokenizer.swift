/// How text is cut into words, inside which alone tokens are merged.
public enum PreTokenizer: String, CaseIterable, Sendable {
    /// GPT-2's pattern (Radford et al., 2019): contractions, words, numbers and signs with the space before them.
    case gpt2 = "gpt-2"
    /// Every digit by itself, then GPT-2's pattern on what lies between digits.
    case smollm
    /// Llama-3's pattern: contractions in any case, words with the sign before them, numbers of up to three digits.
    case llama3 = "llama-bpe"

    /// The patterns that files spell out, and the rule each stands for.
    private static let patterns: [String: PreTokenizer] = [
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"#
            + #"\s*[\r\n]+|\s+(?!\S)|\s+"#: .llama3,
    ]

    private static let otherNames: [String: PreTokenizer] = ["llama3": .llama3, "llama-v3": .llama3]

    /// The rule of a name as model files give it.
    ///
    /// - Throws: `TokenizerError.unknownPreTokenizer`.
    public init(named name: String) throws(TokenizerError) {
        guard let known = Self(rawValue: name) ?? Self.otherNames[name] else { throw .unknownPreTokenizer(name) }
        self = known
    }

    /// The regular expression that spells the rule out, or nil when it takes more than one.
    public var pattern: String? { Self.patterns.first { $0.value == self }?.key }

    /// The rule that a regular expression spells out, or nil when it is none of the known ones.
    public init?(pattern: String) {
        guard let known = Self.patterns[pattern] else { return nil }
        self = known
    }
}
