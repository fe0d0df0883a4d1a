import Diagnostics

/// Why training cannot go on.
public enum TrainingError: NumberedError, Equatable {
    /// A number that is not finite; `value` names it.
    case diverged(step: Int, value: String)

    /// The number with which the process exits.
    public var exitCode: ExitCode { .diverged }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .diverged(let step, let value): "training diverged: the \(value) of step \(step) is not a finite number"
        }
    }

    /// What to do next.
    public var remedy: String { "Lower training.learning_rate or training.clip_norm, or raise training.warmup_steps" }
}
