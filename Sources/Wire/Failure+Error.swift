import Diagnostics

extension Body.Failure {
    /// An error as one role tells it to another.
    public init(_ error: any Error) {
        if let error = error as? any NumberedError {
            self.init(exitCode: error.exitCode.rawValue, problem: error.problem, remedy: error.remedy)
        } else {
            self.init(
                exitCode: ExitCode.unexpected.rawValue, problem: "\(error)",
                remedy: "Please report this together with the run's recipe")
        }
    }
}
