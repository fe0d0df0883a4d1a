import Yams

/// One key of a recipe or a fleet, with its values and meaning: a row of `RecipeSchema` or `FleetSchema`.
struct RecipeField<Root: Sendable>: Sendable {
    /// The whole key, such as `training.batch`.
    let key: String
    /// Whether a file must give it.
    let isRequired: Bool
    /// The values it can have, in words.
    let expected: String
    /// The words that a value is chosen from, if there are some.
    let choices: [RecipeKey.Choice]
    /// What it means, in half a line.
    let help: String

    private let read: @Sendable (Node, inout Root) throws(ValueProblem) -> Void
    private let write: @Sendable (Root) -> Node

    init<Value: Sendable>(
        _ key: String, _ path: WritableKeyPath<Root, Value> & Sendable, _ kind: ValueKind<Value>,
        required: Bool = false, _ help: String
    ) {
        self.key = key
        self.isRequired = required
        self.expected = kind.expected
        self.choices = kind.choices
        self.help = help
        read = { node, root throws(ValueProblem) in root[keyPath: path] = try kind.decode(node) }
        write = { root in kind.encode(root[keyPath: path]) }
    }

    /// The section and the name within it: `training` and `batch`. A key of the top level has no section.
    var parts: (section: String?, name: String) { splitKey(key) }

    /// Sets this key's value.
    func decode(_ node: Node, into root: inout Root) throws(ValueProblem) { try read(node, &root) }

    /// This key's value, as YAML.
    func encode(_ root: Root) -> Node { write(root) }
}

/// Cuts a key at its last dot.
func splitKey(_ key: String) -> (section: String?, name: String) {
    guard let dot = key.lastIndex(of: ".") else { return (nil, key) }
    return (String(key[..<dot]), String(key[key.index(after: dot)...]))
}

/// A value that a key cannot have, at the piece of YAML that is to blame.
struct ValueProblem: Error {
    /// Whether the YAML is of the wrong type, rather than a value out of range.
    let isWrongType: Bool
    /// Where the piece stands in its text.
    let mark: Mark?
    /// The piece in short.
    let found: String
    /// The choice that was most likely meant.
    let nearest: String?

    static func wrongType(_ node: Node) -> Self {
        .init(isWrongType: true, mark: node.mark, found: node.typeName, nearest: nil)
    }

    static func impossible(_ node: Node, nearest: String? = nil) -> Self {
        .init(isWrongType: false, mark: node.mark, found: node.shown, nearest: nearest)
    }
}
