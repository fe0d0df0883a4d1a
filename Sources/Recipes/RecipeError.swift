import Diagnostics

/// Where in a recipe something stands.
public enum RecipePlace: Sendable, Equatable, CustomStringConvertible {
    /// The file as a whole.
    case file(String)
    /// A place in the file; line and column count from 1.
    case line(file: String, line: Int, column: Int)
    /// A `key=value` override, as it was given.
    case override(String)

    /// The place as errors write it.
    public var description: String {
        switch self {
        case .file(let file): file
        case .line(let file, let line, let column): "\(file):\(line):\(column)"
        case .override(let text): "override '\(text)'"
        }
    }
}

/// What can be wrong with a recipe or an override.
public enum RecipeError: NumberedError, Equatable {
    /// The file cannot be read.
    case unreadable(file: String, reason: String)
    /// The text is not YAML, or an override is not `key=value`.
    case syntax(place: RecipePlace, reason: String)
    /// A key occurs twice; the place is the first.
    case duplicateKey(place: RecipePlace, key: String)
    /// There is no such key; `nearest` is the known one that was most likely meant.
    case unknownKey(place: RecipePlace, key: String, nearest: String?)
    /// A key that every recipe must have is not there.
    case missingKey(place: RecipePlace, key: String, expected: String)
    /// A value is of the wrong type.
    case wrongType(place: RecipePlace, key: String, expected: String, found: String)
    /// A value is out of range or contradicts another one; `nearest` is the choice that was most likely meant.
    case impossibleValue(place: RecipePlace, key: String, expected: String, found: String, nearest: String?)
    /// A value is possible alone, but not for what the fleet is to do.
    case unfitting(place: RecipePlace, key: String, expected: String, found: String, remedy: String)

    /// One number for each of unreadable, syntax, unknown key, wrong type and impossible value.
    public var exitCode: ExitCode {
        switch self {
        case .unreadable: .recipeUnreadable
        case .syntax, .duplicateKey: .recipeSyntax
        case .unknownKey: .recipeUnknownKey
        case .wrongType: .recipeWrongType
        case .missingKey, .impossibleValue, .unfitting: .recipeImpossibleValue
        }
    }

    /// What was wrong, with file, line and column, or the override.
    public var problem: String {
        switch self {
        case .unreadable(let file, let reason): "\(file) cannot be read: \(reason)"
        case .syntax(let place, let reason): "\(place): \(reason)"
        case .duplicateKey(let place, let key): "\(place): the key '\(key)' is given again further down"
        case .unknownKey(let place, let key, _): "\(place): there is no key '\(key)'"
        case .missingKey(let place, let key, let expected): "\(place): the key '\(key)' is missing, \(expected)"
        case .wrongType(let place, let key, let expected, let found),
            .impossibleValue(let place, let key, let expected, let found, _),
            .unfitting(let place, let key, let expected, let found, _):
            "\(place): '\(key)' must be \(expected), found \(found)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .unreadable: "Check the path of the file"
        case .syntax(.override, _): "Write KEY=VALUE with a YAML value, and text with special characters in quotes"
        case .syntax: "Correct the YAML there; text with special characters needs quotes"
        case .duplicateKey: "Keep one of them"
        case .unknownKey(_, _, let nearest?): "Perhaps '\(nearest)' was meant"
        case .unknownKey: "Delete it, or see the list of keys"
        case .missingKey(_, let key, _): "Add '\(key)' to the file"
        case .impossibleValue(_, _, _, _, let nearest?): "Perhaps '\(nearest)' was meant"
        case .wrongType, .impossibleValue: "Correct the value"
        case .unfitting(_, _, _, _, let remedy): remedy
        }
    }
}
