import Diagnostics
import Yams

/// The values that a file and its overrides give to known keys, and where each stands.
struct RecipeSettings {
    /// A value and its place.
    struct Setting {
        let node: Node
        let place: RecipePlace
    }

    private let known: KnownKeys

    /// The settings by whole key. An override replaces the file's setting, a later override an earlier one.
    private(set) var settings: [String: Setting] = [:]

    /// Reads YAML text and overrides; `file` names the text in errors.
    ///
    /// - Throws: `RecipeError` for text that is not YAML and keys that are not known.
    init(yaml: String, file: String, overrides: [String], known: KnownKeys) throws(RecipeError) {
        self.known = known
        guard let root = try composed(yaml, place: .file(file)), !root.isNull else {
            throw .syntax(place: .file(file), reason: "the file is empty")
        }
        guard let mapping = root.mapping else {
            throw .syntax(place: .file(file), reason: "expected keys and values, found \(root.typeName)")
        }
        try collect(mapping, section: nil, file: file)
        for override in overrides { try apply(override) }
    }

    private mutating func collect(_ mapping: Node.Mapping, section: String?, file: String) throws(RecipeError) {
        for (keyNode, value) in mapping {
            let place = RecipePlace.file(file).narrowed(to: keyNode.mark)
            guard let name = keyNode.scalar?.string else {
                throw .syntax(place: place, reason: "expected a key, found \(keyNode.typeName)")
            }
            let key = section.map { "\($0).\(name)" } ?? name
            if known.isKey(key) {
                settings[key] = Setting(node: value, place: place.narrowed(to: value.mark))
            } else if known.isSection(key) {
                guard !value.isNull else { continue }
                guard let inner = value.mapping else {
                    throw .wrongType(place: place, key: key, expected: "a section of keys", found: value.typeName)
                }
                try collect(inner, section: key, file: file)
            } else {
                throw .unknownKey(place: place, key: key, nearest: known.nearest(key))
            }
        }
    }

    private mutating func apply(_ override: String) throws(RecipeError) {
        let place = RecipePlace.override(override)
        guard let equals = override.firstIndex(of: "="), equals > override.startIndex else {
            throw .syntax(place: place, reason: "expected KEY=VALUE")
        }
        let key = String(override[..<equals])
        guard known.isKey(key) else {
            throw .unknownKey(place: place, key: key, nearest: known.nearest(key))
        }
        let value = String(override[override.index(after: equals)...])
        settings[key] = Setting(node: try composed(value, place: place) ?? .plain("null"), place: place)
    }
}

extension RecipePlace {
    /// A more exact place in the same file; an override stays as it is.
    func narrowed(to mark: Mark?) -> RecipePlace {
        mark.map { narrowed(line: $0.line, column: $0.column) } ?? self
    }

    /// A more exact place in the same file; an override stays as it is.
    func narrowed(line: Int, column: Int) -> RecipePlace {
        switch self {
        case .file(let file), .line(let file, _, _): .line(file: file, line: line, column: column)
        case .override: self
        }
    }
}

/// The one YAML document of a text; nil for a text without any.
private func composed(_ yaml: String, place: RecipePlace) throws(RecipeError) -> Node? {
    do {
        return try Yams.compose(yaml: yaml)
    } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
        throw .duplicateKey(place: place.narrowed(to: context.mark), key: keys.first ?? "")
    } catch YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
        YamlError.composer(_, let problem, let mark, _)
    {
        throw .syntax(place: place.narrowed(to: mark), reason: problem)
    } catch YamlError.reader(let problem, let offset?, _, let text) {
        let line = text.prefix(offset).count(where: \.isNewline) + 1
        throw .syntax(place: place.narrowed(line: line, column: 1), reason: problem)
    } catch {
        throw .syntax(place: place, reason: "\(error)".shortened)
    }
}
