/// The keys that a file may have: all that reading its settings needs to know of its schema.
struct KnownKeys: Sendable {
    /// Whether a whole key, such as `training.batch`, has a value.
    let isKey: @Sendable (String) -> Bool
    /// Whether keys stand below this one.
    let isSection: @Sendable (String) -> Bool
    /// The key that a mistyped or misplaced one most likely meant.
    let nearest: @Sendable (String) -> String?

    /// A recipe's.
    static let recipe = KnownKeys(
        isKey: RecipeSchema.keys.contains, isSection: RecipeSchema.sections.contains,
        nearest: RecipeSchema.nearestKey)
}
