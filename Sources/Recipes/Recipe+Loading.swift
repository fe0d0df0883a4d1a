import Diagnostics
import Foundation
import Yams

extension Recipe {
    /// A file of more bytes than this is not a recipe.
    static let maximumBytes = 1 << 20

    /// Reads a recipe from a file, with overrides.
    ///
    /// - Parameter overrides: `key=value` pairs, each value in YAML; the last of a key counts.
    /// - Throws: `RecipeError`, which names file, line and column, or the override.
    public static func load(file: String, overrides: [String] = []) throws(RecipeError) -> Recipe {
        try parse(yaml: contents(of: file), file: file, overrides: overrides)
    }

    /// Reads a recipe from YAML text, with overrides; `file` names the text in errors.
    ///
    /// - Throws: `RecipeError`.
    public static func parse(
        yaml: String, file: String, overrides: [String] = []
    ) throws(RecipeError) -> Recipe {
        let settings = try RecipeSettings(yaml: yaml, file: file, overrides: overrides, known: .recipe).settings
        var recipe = Recipe()
        for field in RecipeSchema.fields {
            if let setting = settings[field.key] {
                try field.decode(setting, into: &recipe)
            } else if field.isRequired {
                throw .missingKey(place: .file(file), key: field.key, expected: field.expected)
            }
        }
        for rule in RecipeRule.all {
            guard let expected = rule.violation(recipe) else { continue }
            let field = RecipeSchema.fields.first { $0.key == rule.key }
            throw .impossibleValue(
                place: settings[rule.key]?.place ?? .file(file), key: rule.key, expected: expected,
                found: field?.encode(recipe).shown ?? "", nearest: nil)
        }
        return recipe
    }

    /// The recipe as YAML with every key and its value; reading it gives this recipe again.
    ///
    /// - Throws: `YamlError` if the text cannot be written.
    public func resolvedYAML() throws -> String {
        let entry = { (field: RecipeField<Recipe>) in (Node.plain(field.parts.name), field.encode(self)) }
        var written: Set<String> = []
        let entries = RecipeSchema.fields.compactMap { field -> (Node, Node)? in
            guard let section = field.parts.section else { return entry(field) }
            guard written.insert(section).inserted else { return nil }
            let inner = RecipeSchema.fields.filter { $0.parts.section == section }.map(entry)
            return (.plain(section), Node(inner, Tag(.map), .block))
        }
        return try Yams.serialize(node: Node(entries, Tag(.map), .block), width: -1, allowUnicode: true)
    }

    static func contents(of file: String) throws(RecipeError) -> String {
        let bytes: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
            defer { try? handle.close() }
            bytes = try handle.read(upToCount: maximumBytes + 1) ?? Data()
        } catch {
            throw .unreadable(file: file, reason: systemReason(of: error))
        }
        guard bytes.count <= maximumBytes else {
            throw .unreadable(
                file: file, reason: "it has more than \(maximumBytes) bytes, more than a file of settings has")
        }
        guard let yaml = String(validating: bytes, as: UTF8.self) else {
            throw .syntax(place: .file(file), reason: "the file is not UTF-8 text")
        }
        return yaml
    }
}

extension RecipeField {
    /// Sets this key's value, with errors that say where the value stands.
    ///
    /// - Parameter section: what stands before the key in its file, with a dot at the end.
    func decode(
        _ setting: RecipeSettings.Setting, into root: inout Root, section: String = ""
    ) throws(RecipeError) {
        let key = section + key
        do {
            try decode(setting.node, into: &root)
        } catch {
            let place = setting.place.narrowed(to: error.mark)
            throw error.isWrongType
                ? .wrongType(place: place, key: key, expected: expected, found: error.found)
                : .impossibleValue(
                    place: place, key: key, expected: expected, found: error.found, nearest: error.nearest)
        }
    }
}
