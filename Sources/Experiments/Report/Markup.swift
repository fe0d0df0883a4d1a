/// Pieces of HTML and SVG that are well-formed XML as well, whatever text comes in.
struct Markup {
    /// The piece as it is written.
    private(set) var text: String

    /// Text, escaped.
    init(_ text: String) {
        self.text = Self.escaped(text)
    }

    /// What is written already, such as a style sheet.
    init(raw text: String) { self.text = text }

    /// An element; without content it ends in itself.
    static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: [Markup] = []
    ) -> Markup {
        let head = "<\(name)" + attributes.map { " \($0)=\"\(escaped($1))\"" }.joined()
        guard !content.isEmpty else { return Markup(raw: head + "/>") }
        return Markup(raw: head + ">" + content.map(\.text).joined() + "</\(name)>")
    }

    /// An element with text in it.
    static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: String
    ) -> Markup {
        Markup(
            raw: "<\(name)" + attributes.map { " \($0)=\"\(escaped($1))\"" }.joined() + ">\(escaped(content))</\(name)>"
        )
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            // XML has no place for these, not even as references.
            case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
