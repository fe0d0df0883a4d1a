/// Text with places for a record's fields: `{name}` stands for a value, `{{` and `}}` for braces.
public struct PromptTemplate: Sendable, Equatable, CustomStringConvertible {
    /// The template as it was written.
    public let description: String
    /// The fields it names, each once, in the order in which they first occur; at least one.
    public let fields: [String]
    private let pieces: [Piece]

    private enum Piece: Equatable {
        case text(String)
        case field(String)
    }

    /// Reads a template.
    ///
    /// - Throws: `DataError.badTemplate` for braces that are not in pairs, a field without a name, and a text without
    ///   any field.
    public init(_ source: String) throws(DataError) {
        var pieces: [Piece] = []
        var rest = source[...]
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            if brace > rest.startIndex { pieces.append(.text(String(rest[..<brace]))) }
            let character = rest[brace]
            rest = rest[rest.index(after: brace)...]
            if rest.first == character {
                pieces.append(.text(String(character)))
                rest = rest.dropFirst()
            } else {
                guard character == "{" else { throw .badTemplate(source, reason: "a '}' has no '{' before it") }
                guard let end = rest.firstIndex(of: "}") else {
                    throw .badTemplate(source, reason: "a '{' has no '}' behind it")
                }
                let name = String(rest[..<end])
                guard !name.isEmpty, !name.contains("{") else {
                    throw .badTemplate(source, reason: "'{\(name)}' does not name a field")
                }
                pieces.append(.field(name))
                rest = rest[rest.index(after: end)...]
            }
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        var fields: [String] = []
        for case .field(let name) in pieces where !fields.contains(name) { fields.append(name) }
        guard !fields.isEmpty else { throw .badTemplate(source, reason: "it has no place for a field") }
        description = source
        self.fields = fields
        self.pieces = pieces
    }

    /// The template with a record's values.
    ///
    /// - Throws: `DataError.missingField`.
    public func filled(from record: Record) throws(DataError) -> FilledTemplate {
        let lastField = pieces.lastIndex { if case .field = $0 { true } else { false } } ?? pieces.endIndex
        var body = "", ending = ""
        for (index, piece) in pieces.enumerated() {
            switch piece {
            case .text(let text): if index < lastField { body += text } else { ending += text }
            case .field(let name): body += try record.value(of: name)
            }
        }
        return FilledTemplate(body: body, ending: ending)
    }
}

/// A template with values in its places.
public struct FilledTemplate: Sendable, Hashable {
    /// Everything up to the end of the last value.
    public let body: String
    /// What the template has behind the last value.
    public let ending: String

    /// The whole text.
    public var text: String { body + ending }

    /// A text in two parts.
    public init(body: String, ending: String) {
        self.body = body
        self.ending = ending
    }
}
