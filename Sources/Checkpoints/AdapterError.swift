import Diagnostics

/// What can be wrong with an adapter folder.
public enum AdapterError: NumberedError, Equatable {
    case unreadableConfiguration(file: String, reason: String)
    case impossibleValue(file: String, key: String, value: String)
    case unsupported(folder: String, feature: String)
    case unknownTensor(folder: String, tensor: String)
    case missingTensor(folder: String, tensor: String)
    case wrongShape(folder: String, tensor: String, found: [Int], reason: String)
    /// A number that is infinite or none.
    case notFinite(folder: String, tensor: String)
    /// The adapter was made for another model than it is used with.
    case otherBase(reason: String)
    /// The tensors speak of a layer or module that the configuration does not, or the other way round.
    case outsideConfiguration(folder: String, place: String)

    /// The number under which the error is documented and with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .unsupported, .outsideConfiguration, .otherBase: .adapterMismatch
        default: .adapterMalformed
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .unreadableConfiguration(let file, let reason): "\(file) is no adapter configuration: \(reason)"
        case .impossibleValue(let file, let key, let value): "\(file) has \(key) \(value)"
        case .unsupported(let folder, let feature): "the adapter in \(folder) needs \(feature), which is not built in"
        case .unknownTensor(let folder, let tensor): "the adapter in \(folder) has the unknown tensor \(tensor)"
        case .missingTensor(let folder, let tensor): "the adapter in \(folder) lacks the tensor \(tensor)"
        case .wrongShape(let folder, let tensor, let found, let reason):
            "the adapter in \(folder) has the tensor \(tensor) with the shape \(found), \(reason)"
        case .notFinite(let folder, let tensor):
            "the adapter in \(folder) has a value in the tensor \(tensor) that is not a finite number"
        case .otherBase(let reason): "the adapter does not fit the model: \(reason)"
        case .outsideConfiguration(let folder, let place):
            "the tensors and the configuration of the adapter in \(folder) disagree about \(place)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .unsupported: "Train a plain LoRA adapter without it"
        case .otherBase: "Take the model that the adapter was trained on"
        case .impossibleValue: "Correct the configuration, or write the adapter again"
        default: "Write the adapter again with this program or with PEFT"
        }
    }
}
