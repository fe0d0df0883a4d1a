import Yams

/// What the schema needs to know of YAML. The key decides the type of its value, so a text may look like a number
/// (`name: 7`) or like a truth value (`no: " no"`) without quotes; a number or truth value may not be quoted.
extension Node {
    /// The characters of an unquoted scalar that is not null.
    var plainText: String? {
        guard let scalar, scalar.style == .plain || scalar.style == .any, !isNull else { return nil }
        return scalar.string
    }

    /// Whether this is an unquoted null, or nothing at all.
    var isNull: Bool {
        guard let scalar, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// What kind of YAML this is, for an error.
    var typeName: String {
        switch self {
        case .scalar(let scalar):
            isNull ? "nothing" : plainText == nil ? "the quoted text \(shown)" : "'\(scalar.string.shortened)'"
        case .sequence: "the list \(shown)"
        case .mapping: "the map \(shown)"
        case .alias: "an alias"
        }
    }

    /// The value in short, on one line.
    var shown: String { flowText.shortened }

    /// The value in YAML's flow style, on one line.
    var flowText: String {
        switch self {
        case .scalar(let scalar):
            isNull ? "null" : plainText ?? "\"\(scalar.string)\""
        case .sequence(let sequence): "[" + sequence.map(\.flowText).joined(separator: ", ") + "]"
        case .mapping(let mapping):
            "{" + mapping.map { "\($0.key.string ?? "?"): \($0.value.flowText)" }.joined(separator: ", ") + "}"
        case .alias: "*"
        }
    }

    /// A number, a truth value or a word of a fixed choice.
    static func plain(_ text: String) -> Node { Node(text, .implicit, .plain) }

    /// Text, always quoted, so that no reader takes it for anything else.
    static func text(_ text: String) -> Node { Node(text, Tag(.str), .doubleQuoted) }
}

extension String {
    /// At most 60 characters on one line.
    var shortened: String {
        let line = String(map { $0.isNewline ? " " : $0 })
        return line.count <= 60 ? line : line.prefix(57) + "..."
    }
}
