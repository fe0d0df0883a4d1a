import Diagnostics

/// What can go wrong around a comparison, outside its runs.
public enum ComparisonError: NumberedError, Equatable {
    /// A recipe without `compare.fleet`.
    case noFleet(recipe: String)
    /// A key of the recipe names a class that the fleet does not have.
    case unknownClass(key: String, name: String, known: [String])
    /// The user asked to stop before the end.
    case interrupted(folder: String, done: Int, of: Int)

    /// The number with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .noFleet, .unknownClass: .recipeImpossibleValue
        case .interrupted: .interrupted
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .noFleet(let recipe): "The recipe \(recipe) has no compare.fleet, so that nobody knows on what to compare"
        case .unknownClass(let key, let name, _): "\(key) names the class '\(name)', which the fleet does not have"
        case .interrupted(let folder, let done, let count):
            "The comparison was interrupted after \(done) of \(count) runs, which are kept in \(folder)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .noFleet: "Set compare.fleet to a file as docs/fleets.md describes it"
        case .unknownClass(_, _, let known): "Name one of \(known.joined(separator: ", "))"
        case .interrupted(let folder, _, _): "Go on with 'permafrost resume \(folder)'"
        }
    }
}
