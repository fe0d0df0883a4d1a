import Balancing

extension Fleet {
    /// Reads a fleet for `Simulation` from a file, with overrides.
    ///
    /// - Parameter overrides: `key=value` pairs such as `classes.phone.count=50`; the last of a key counts.
    /// - Throws: `RecipeError`, which names file, line and column, or the override.
    public static func load(file: String, overrides: [String] = []) throws(RecipeError) -> Fleet {
        try FleetFile(file: file, overrides: overrides, for: .simulation).fleet
    }

    /// Reads a fleet for `Simulation` from YAML text, with overrides; `file` names the text in errors.
    ///
    /// - Throws: `RecipeError`.
    public static func parse(yaml: String, file: String, overrides: [String] = []) throws(RecipeError) -> Fleet {
        try FleetFile(yaml: yaml, file: file, overrides: overrides, for: .simulation).fleet
    }
}
