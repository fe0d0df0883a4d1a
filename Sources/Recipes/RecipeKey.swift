/// What there is to know about a key of a recipe.
public struct RecipeKey: Sendable, Equatable {
    /// A word that a key's value can be.
    public struct Choice: Sendable, Equatable {
        /// The word, as a recipe has it.
        public let name: String
        /// What it stands for, in half a line.
        public let meaning: String
    }

    /// The whole key, such as `training.batch`.
    public let key: String
    /// The section it stands in, such as `training`; nil for a key of the top level.
    public let section: String?
    /// The values it can have, in words: their type and range.
    public let expected: String
    /// The words it is chosen from, if there are some.
    public let choices: [Choice]
    /// The default as YAML; nil if every recipe must give the key.
    public let defaultValue: String?
    /// What it means, in half a line.
    public let help: String
}

extension Recipe {
    /// Every key of a recipe, in the order in which the resolved recipe has them.
    public static var keys: [RecipeKey] {
        RecipeSchema.fields.map { field in
            RecipeKey(
                key: field.key, section: field.parts.section, expected: field.expected, choices: field.choices,
                defaultValue: field.isRequired ? nil : field.encode(Recipe()).flowText, help: field.help)
        }
    }
}
