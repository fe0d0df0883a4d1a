/// Lines for a shell, cut into commands and their words as far as pages need it: quotes, continued lines, comments,
/// redirections and what joins commands. Nothing is expanded.
struct ShellText {
    /// The words of each command.
    private(set) var commands: [[String]] = []
    private var words: [String] = []
    /// The word under way; nil between words, and empty for one that is only quotes so far.
    private var word: String?
    /// Whether the next word is the file of a redirection.
    private var isRedirected = false

    init(_ text: String) {
        var rest = Substring(text.replacing("\\\n", with: " "))
        while let character = rest.popFirst() {
            switch character {
            case "'", "\"":
                word = (word ?? "") + rest.prefix { $0 != character }
                rest = rest.drop { $0 != character }.dropFirst()
            case "#" where word == nil:
                rest = rest.drop { $0 != "\n" }
            case " ":
                endWord()
            case ">", "<":
                endWord()
                isRedirected = true
            case "\n", "|", "&", ";":
                endWord()
                endCommand()
            default:
                word = (word ?? "") + String(character)
            }
        }
        endWord()
        endCommand()
    }

    private mutating func endWord() {
        guard let ended = word else { return }
        if !isRedirected { words.append(ended) }
        isRedirected = false
        word = nil
    }

    private mutating func endCommand() {
        if !words.isEmpty { commands.append(words) }
        words = []
    }
}
