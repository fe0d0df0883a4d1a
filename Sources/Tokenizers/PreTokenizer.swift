/// How text is cut into words, inside which alone tokens are merged.
public enum PreTokenizer: String, CaseIterable, Sendable {
    /// GPT-2's pattern (Radford et al., 2019): contractions, words, numbers and signs with the space before them.
    case gpt2 = "gpt-2"
    /// Every digit by itself, then GPT-2's pattern on what lies between digits.
    case smollm

    /// The rule of a name as model files give it.
    ///
    /// - Throws: `TokenizerError.unknownPreTokenizer`.
    public init(named name: String) throws(TokenizerError) {
        guard let known = Self(rawValue: name) else { throw .unknownPreTokenizer(name) }
        self = known
    }
}
