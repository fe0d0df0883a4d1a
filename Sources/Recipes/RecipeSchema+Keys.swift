import Diagnostics

extension RecipeSchema {
    /// All keys.
    static let keys = Set(fields.map(\.key))

    /// The sections that keys stand in.
    static let sections = Set(fields.compactMap(\.parts.section))

    /// The known key or section that a mistyped or misplaced key most likely meant.
    static func nearestKey(to key: String) -> String? {
        let (section, name) = splitKey(key)
        let siblings = fields.filter { $0.parts.section == section }.map(\.parts.name)
        // One of many, or many of one, is nearer than the same name elsewhere.
        if let section, let sibling = siblings.first(where: { $0 == name + "s" || $0 + "s" == name }) {
            return "\(section).\(sibling)"
        }
        if let misplaced = fields.first(where: { $0.parts.name == name }) { return misplaced.key }
        let sectionsHere = section == nil ? sections.sorted() : []
        if let sibling = nearestName(to: name, among: siblings + sectionsHere) {
            return section.map { "\($0).\(sibling)" } ?? sibling
        }
        return nearestName(to: key, among: fields.map(\.key))
    }
}
