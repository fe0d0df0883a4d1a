import Diagnostics

/// An error as a part of an answer in JSON.
public struct ErrorAnswer: Encodable, Sendable {
    /// The number with which the process exits.
    public let code: Int32
    /// What was wrong.
    public let problem: String
    /// What to do.
    public let remedy: String

    /// An error in words.
    public init(_ error: any NumberedError) {
        code = error.exitCode.rawValue
        problem = error.problem
        remedy = error.remedy
    }

    /// What is printed for people.
    public var text: String { "error \(code): \(problem)\n  → \(remedy)" }
}
