import Diagnostics

/// Why a message of a method cannot be used.
public enum MethodError: NumberedError, Equatable {
    /// A message at a moment at which it has no meaning; `sender` is a device's number, nil for the server.
    case unexpected(MethodMessage.Kind, step: Int, sender: Int?)
    /// A tensor, or a list of samples, that is missing or of another shape.
    case misshapen(name: String, expected: String)
    /// A number that is not finite.
    case notFinite(name: String)
    /// The two losses of a pair were taken at two states of the server.
    case mixedVersions(step: Int, pair: Int)
    /// A channel that carries nothing.
    case noRate(device: Int)

    /// The number with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .notFinite: .diverged
        case .noRate: .recipeImpossibleValue
        default: .messageRejected
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .unexpected(let kind, let step, let sender):
            "a message `\(kind.rawValue)` of step \(step) from \(sender.map { "device \($0)" } ?? "the server") "
                + "was not expected"
        case .misshapen(let name, let expected): "a message's \(name) should be \(expected)"
        case .notFinite(let name): "a message's \(name) has a number that is not finite"
        case .mixedVersions(let step, let pair):
            "the losses of pair \(pair) of step \(step) belong to two states of the server"
        case .noRate(let device): "device \(device) has a channel without a rate"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .unexpected, .mixedVersions: "Run the same version of the program, with the same recipe, on both sides"
        case .misshapen: "Use the same model, cut and rank on both sides"
        case .notFinite: "Lower the learning rate"
        case .noRate: "Give every device of the fleet a rate above zero"
        }
    }
}
