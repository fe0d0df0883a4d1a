import Diagnostics

/// Why something that was trained cannot be exported.
public enum ExportError: NumberedError, Equatable {
    /// Something stands where the export would go.
    case outputExists(path: String)
    /// A path with nothing that was trained in it; of a run, one that never came so far.
    case nothingTrained(path: String, isRun: Bool)
    /// Nothing says which model an adapter belongs to.
    case baseUnknown(path: String)
    /// Weights of full fine-tuning, which no adapter stands for.
    case noAdapter(path: String)
    /// The user asked to stop.
    case interrupted(path: String)

    /// The number with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .outputExists: .runFolderUnwritable
        case .nothingTrained, .noAdapter: .adapterMalformed
        case .baseUnknown: .usage
        case .interrupted: .interrupted
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .outputExists(let path): "\(path) is there already, and nothing is ever overwritten"
        case .nothingTrained(let path, isRun: true):
            "The run \(path) has not come to an end, so that it has no folder 'adapter' to export"
        case .nothingTrained(let path, isRun: false):
            "There is nothing to export in \(path): it has no recipe.yaml, adapter_config.json or trained.safetensors"
        case .baseUnknown(let path): "Nothing says which model \(path) was trained on"
        case .noAdapter(let path): "\(path) holds whole weights of full fine-tuning and no adapter"
        case .interrupted(let path): "The export was interrupted, and \(path) was not written"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .outputExists: "Choose another path, or remove what is there"
        case .nothingTrained(let path, isRun: true): "Go on with 'permafrost resume \(path)'"
        case .nothingTrained(_, isRun: false): "Name a run's folder, or the folder of an adapter with --base MODEL"
        case .baseUnknown: "Name the model with --base: a path, cache:FILE, or a folder as the hub has it"
        case .noAdapter: "Write the whole model with 'permafrost export merged'"
        case .interrupted: "Export again"
        }
    }
}
