/// An error a user can act on: it has a number, says what was wrong and where, and what to do about it.
public protocol NumberedError: Error, CustomStringConvertible {
    /// The number under which the error is documented and with which the process exits.
    var exitCode: ExitCode { get }

    /// What was wrong, and where: the file, line, key, tensor or message.
    var problem: String { get }

    /// What to do next.
    var remedy: String { get }
}

extension NumberedError {
    /// The problem and its remedy as one sentence pair.
    public var description: String { "\(problem). \(remedy)." }
}
