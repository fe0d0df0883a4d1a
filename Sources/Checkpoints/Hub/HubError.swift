import Diagnostics

/// What can be wrong with a model folder as the hub has it, or with what is asked of it.
public enum HubError: NumberedError, Equatable {
    case malformed(file: String, reason: String)
    case missingKey(file: String, key: String)
    case wrongKind(file: String, key: String, expected: String)
    case unsupported(file: String, feature: String)
    case unknownFamily(file: String, name: String)
    case missingShard(index: String, shard: String)
    case missingTensor(folder: String, tensor: String)
    case unplacedTensor(file: String, tensor: String)
    case pickled(file: String)
    /// A path that holds no model, and what it holds instead.
    case noModel(path: String, found: String)

    /// The number under which the error is documented and with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .malformed, .missingKey, .wrongKind: .modelMalformed
        case .unsupported, .unknownFamily, .unplacedTensor, .pickled: .modelUnsupported
        case .missingShard, .noModel: .modelUnreadable
        case .missingTensor: .tensorMissing
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .malformed(let file, let reason): "\(file) is damaged: \(reason)"
        case .missingKey(let file, let key): "\(file) has no key \(key)"
        case .wrongKind(let file, let key, let expected): "\(file) has a value of \(key) that is not \(expected)"
        case .unsupported(let file, let feature): "\(file) needs \(feature), which is not built in"
        case .unknownFamily(let file, let name): "\(file) describes a model of the family \(name)"
        case .missingShard(let index, let shard): "\(index) names the file \(shard), which is not beside it"
        case .missingTensor(let folder, let tensor): "the model in \(folder) has no tensor \(tensor)"
        case .unplacedTensor(let file, let tensor): "\(file) has the tensor \(tensor), which has no place in the model"
        case .pickled(let file): "\(file) is a pickle, which runs code when it is loaded and is not read"
        case .noModel(let path, let found): "\(path) holds no model: it is \(found)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .malformed, .missingKey, .wrongKind: "Fetch the model again, or correct the file"
        case .unsupported: "Take a model without it"
        case .unknownFamily:
            "Take a model of one of the families " + ModelFamily.all.map(\.name).joined(separator: ", ")
        case .missingShard: "Fetch every file of the model"
        case .missingTensor, .unplacedTensor: "Check that config.json and the weights belong to one model"
        case .pickled: "Convert it: load it with transformers and save it again, which writes model.safetensors"
        case .noModel: "Name a folder with config.json and model.safetensors, or a GGUF file"
        }
    }
}
