import Diagnostics

/// What can go wrong around a run, outside model, data and messages.
public enum RunError: NumberedError, Equatable {
    /// A run folder or a file in it cannot be written.
    case folderUnwritable(path: String, reason: String)
    /// A fetched file is not the one that the recipe means.
    case checksumMismatch(path: String, expected: String, found: String)
    /// A digest for a folder, which has none.
    case digestOfFolder(path: String)
    /// A file that the recipe names is not there.
    case fileMissing(path: String, key: String)
    /// More frozen blocks than the model has, or none left to train.
    case frozenBlocksBeyondModel(frozen: Int, layers: Int)
    /// A trunk that leaves nothing to be compared.
    case trunkBeyondModel(blocks: Int, layers: Int)
    /// A cut that leaves the server nothing.
    case cutBeyondModel(cut: Int, layers: Int)
    /// A method without devices.
    case notDistributed
    /// A prompt limit, and with it what is to be generated, over what the model can read.
    case promptBeyondContext(maximumTokens: Int, generateTokens: Int, context: Int)
    /// Adapters in blocks that the model does not have.
    case adapterBlocksBeyondModel(last: Int, layers: Int)
    /// Names of linear layers that the model's family does not have.
    case targetsNotInModel(targets: [String], family: String, known: [String])
    /// A prompt and what is to be generated, over what the model can read; or an empty prompt.
    case generationBeyondContext(promptTokens: Int, generateTokens: Int, context: Int)
    /// A chat with a model whose template is not ChatML.
    case noChat(path: String)
    /// A model that was opened without a tokenizer.
    case noTokenizer
    /// A folder without an adapter in it.
    case adapterMissing(path: String)
    /// An adapter that was made for another model or other blocks.
    case adapterMismatch(path: String, reason: String)
    /// A folder that no run can go on from.
    case notResumable(path: String, reason: String)
    /// Another process trains in the run's folder.
    case runInUse(path: String)
    /// The coordinator's run does not know this role.
    case notInvited(id: String, reason: String)
    /// The coordinator speaks another major version of the protocol.
    case anotherProtocol(endpoint: String, reason: String)
    /// The coordinator's run has a name that no folder may have.
    case unusableRun(String, endpoint: String)
    /// The state folder has a run with another recipe, which has not ended.
    case anotherRun(run: String, state: String)
    /// A coordinator without a recipe, and a ledger without a run.
    case noRun(state: String)
    /// A distributed run was ended by its user.
    case stopped(run: String, steps: Int, state: String)
    /// A coordinator was told to leave a run that goes on.
    case left(run: String, state: String)
    /// A recipe is too long for a message.
    case recipeTooLong(bytes: Int, limit: Int)
    /// A classifier is asked for, and nothing that was trained has one.
    case classifierMissing(path: String?)
    /// The user asked to stop an evaluation.
    case evaluationInterrupted
    /// The user asked to stop before the end.
    case interrupted(folder: String, steps: Int)
    /// The same of a run that keeps nothing to go on with.
    case interruptedForGood(folder: String, steps: Int, method: String)

    /// The number with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .folderUnwritable: .runFolderUnwritable
        case .checksumMismatch: .checksumMismatch
        case .fileMissing(_, key: "data.path"): .dataUnreadable
        case .fileMissing: .modelUnreadable
        case .digestOfFolder, .frozenBlocksBeyondModel, .trunkBeyondModel, .promptBeyondContext,
            .adapterBlocksBeyondModel,
            .targetsNotInModel, .cutBeyondModel, .notDistributed:
            .recipeImpossibleValue
        case .generationBeyondContext: .usage
        case .noTokenizer, .noChat: .tokenizerUnsupported
        case .adapterMissing: .adapterMalformed
        case .adapterMismatch: .adapterMismatch
        case .notResumable, .runInUse, .anotherRun, .noRun: .runNotResumable
        case .notInvited, .unusableRun: .messageRejected
        case .anotherProtocol: .protocolUnsupported
        case .recipeTooLong: .recipeImpossibleValue
        case .classifierMissing: .adapterMismatch
        case .interrupted, .interruptedForGood, .evaluationInterrupted, .stopped, .left: .interrupted
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .folderUnwritable(let path, let reason): "The run folder \(path) cannot be written: \(reason)"
        case .checksumMismatch(let path, let expected, let found):
            "\(path) has the SHA-256 \(found.prefix(12))…, the recipe expects \(expected.prefix(12))…"
        case .digestOfFolder(let path): "model.sha256 is the digest of a file, and \(path) is a folder"
        case .fileMissing(let path, let key): "\(path), which the recipe names as \(key), is not there"
        case .frozenBlocksBeyondModel(let frozen, let layers):
            "model.frozen_blocks is \(frozen), but the model has \(layers) blocks and one at least must train"
        case .trunkBeyondModel(let blocks, let layers):
            "compare.trunk_blocks is \(blocks), but the model has \(layers) blocks and one at least must lie above"
        case .cutBeyondModel(let cut, let layers):
            "Every device would have \(cut) blocks, but the model has \(layers) and one at least is the server's"
        case .notDistributed: "training.method is central, which has no devices"
        case .promptBeyondContext(let maximumTokens, let generateTokens, let context):
            "task.maximum_tokens is \(maximumTokens)"
                + (generateTokens > 0 ? " and evaluation.generate_tokens \(generateTokens)" : "")
                + ", but the model reads \(context) tokens at most"
        case .adapterBlocksBeyondModel(let last, let layers):
            "lora.blocks ends with \(last), but the model has \(layers) blocks"
        case .targetsNotInModel(let targets, let family, _):
            "lora.targets has \(targets.joined(separator: ", ")), which no layer of a \(family) model is called"
        case .generationBeyondContext(let promptTokens, let generateTokens, let context):
            "the prompt has \(promptTokens) tokens and \(generateTokens) are to follow; "
                + "the model reads from 1 to \(context) in all"
        case .noChat(let path): "The chat template of \(path) is not ChatML"
        case .noTokenizer: "The model has no tokenizer"
        case .adapterMissing(let path): "There is nothing that was trained in \(path): it has no adapter_config.json"
        case .adapterMismatch(let path, let reason): "The adapter \(path) does not fit: \(reason)"
        case .notResumable(let path, let reason): "The run \(path) cannot be resumed: \(reason)"
        case .runInUse(let path): "Another process trains in \(path)"
        case .notInvited(let id, let reason): "The coordinator has no part for \(id): \(reason)"
        case .anotherProtocol(let endpoint, let reason):
            "The coordinator at \(endpoint) cannot be understood: \(reason)"
        case .unusableRun(let run, let endpoint):
            "The run of the coordinator at \(endpoint) is called \(run.debugDescription), which cannot be a folder's name"
        case .anotherRun(let run, let state): "\(state) has the run \(run), which has another recipe and has not ended"
        case .noRun(let state): "\(state) has no run to go on with"
        case .left(let run, _): "The coordinator has left the run \(run), which goes on as far as it can without one"
        case .stopped(let run, let steps, _):
            "The run \(run) was stopped after \(steps) step\(steps == 1 ? "" : "s")"
        case .recipeTooLong(let bytes, let limit):
            "The recipe has \(bytes) bytes when resolved, and a message takes \(limit)"
        case .classifierMissing(let path):
            "task.head is classifier, but \(path ?? "the model as it is") has no classifier of that many classes"
        case .evaluationInterrupted: "The evaluation was interrupted"
        case .interrupted(let folder, let steps), .interruptedForGood(let folder, let steps, _):
            "The run was interrupted after \(steps) step\(steps == 1 ? "" : "s") and is kept in \(folder)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .folderUnwritable: "Free some disk space, or choose another folder with runs=FOLDER"
        case .checksumMismatch: "Fetch it again with scripts/fetch, or correct the sha256 in the recipe"
        case .digestOfFolder: "Set model.sha256 to null, or name the model's file"
        case .fileMissing: "Run scripts/fetch, or correct the path in the recipe"
        case .frozenBlocksBeyondModel(_, let layers): "Set model.frozen_blocks to at most \(layers - 1)"
        case .trunkBeyondModel(_, let layers): "Set compare.trunk_blocks to at most \(layers - 1)"
        case .cutBeyondModel(_, let layers): "Set method.cut to at most \(layers - 1)"
        case .notDistributed: "Run 'permafrost train', or set training.method=splitfrozen"
        case .promptBeyondContext(_, let generateTokens, let context):
            "Set task.maximum_tokens to at most \(context - generateTokens)"
        case .adapterBlocksBeyondModel(_, let layers): "Let lora.blocks end with \(layers) at most"
        case .targetsNotInModel(_, _, let known): "Choose among \(known.joined(separator: ", "))"
        case .generationBeyondContext: "Give a shorter prompt that is not empty, or a lower --max-tokens"
        case .noChat: "Leave --chat away, and write the turns into the prompt as the model knows them"
        case .noTokenizer: "Name a GGUF file, or a hub folder with tokenizer.json or vocab.json and merges.txt"
        case .adapterMissing: "Name the folder 'adapter' of a run, or another folder in PEFT's format"
        case .adapterMismatch: "Use the recipe that made the adapter, or another adapter"
        case .notResumable: "Train the recipe again, or name the folder of a run with a checkpoint"
        case .runInUse: "Wait for it to end, or stop it"
        case .unusableRun: "Look whether --coordinator is the address of your own coordinator"
        case .notInvited: "Start it with an id of devices.ids, or with the run's coordinator"
        case .anotherProtocol: "Install the coordinator's release here, or this one there"
        case .anotherRun: "Leave the recipe away to go on with it, or choose another --state"
        case .noRun: "Name a recipe"
        case .stopped(_, _, let state), .left(_, let state):
            "Go on with 'permafrost coordinator --state \(state)', with the key it had"
        case .recipeTooLong: "Shorten the prompt, or the lists of ids and cuts"
        case .classifierMissing: "Train the recipe, and name the folder 'adapter' of that run with --adapter"
        case .evaluationInterrupted: "Evaluate again; evaluation.samples limits how much"
        case .interrupted(let folder, let steps):
            steps == 0 ? "Train again from the start" : "Go on with 'permafrost resume \(folder)'"
        case .interruptedForGood(_, _, let method):
            "Train again from the start: \(method) keeps nothing on devices to go on with"
        }
    }
}

extension RunError {
    /// A file or folder that Foundation could not write.
    init(unwritable path: String, _ error: any Error) {
        self = .folderUnwritable(path: path, reason: systemReason(of: error))
    }
}
