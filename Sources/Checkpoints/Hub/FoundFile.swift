import Diagnostics
import Foundation

/// What a path leads to, recognised by what stands there.
enum FoundFile: Equatable {
    case gguf(URL)
    case hubFolder(URL)
    case adapterFolder(URL)
    /// What full fine-tuning changed, without the rest of the model.
    case weightsFolder(URL)
    case runFolder(URL)
    /// A run's checkpoint, whole or not.
    case checkpointFolder(URL)
    case safetensors(URL)
    case tokenizer(URL)
    case pickle(URL)
    /// Anything else, in words that fit after "but".
    case other(String)

    /// Looks at a path; a folder with exactly one GGUF file is that file.
    ///
    /// - Throws: `FileError.unreadable` when nothing is there, or nothing that may be read.
    init(at path: String) throws(FileError) {
        let url = URL(fileURLWithPath: path)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw .unreadable(file: path, reason: String(cString: strerror(ENOENT)))
        }
        self = isFolder.boolValue ? try Self.folder(url) : Self.file(url)
    }

    private static func folder(_ url: URL) throws(FileError) -> FoundFile {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
        } catch {
            throw .unreadable(file: url.path, reason: systemReason(of: error))
        }
        if CheckpointFolder.isName(url.lastPathComponent) || names.contains(RunCheckpoint.tensorsName) {
            return .checkpointFolder(url)
        }
        if names.contains(PEFTAdapter.configurationName) { return .adapterFolder(url) }
        if names.contains(OverlaidModel.weightsName) { return .weightsFolder(url) }
        if names.contains(HubConfiguration.fileName) { return .hubFolder(url) }
        if names.contains(RunCheckpoint.recipeName), names.contains(where: runParts.contains) {
            return .runFolder(url)
        }
        let models = names.filter { $0.hasSuffix(".gguf") }
        if models.count == 1 { return .gguf(url.appendingPathComponent(models[0])) }
        if models.count > 1 {
            return .other("a folder of \(models.count) GGUF files: \(models.prefix(5).joined(separator: ", "))")
        }
        if let pickle = names.first(where: HubFiles.isPickle) { return .pickle(url.appendingPathComponent(pickle)) }
        if names.contains(tokenizerName) { return .tokenizer(url.appendingPathComponent(tokenizerName)) }
        return .other(
            names.isEmpty ? "an empty folder" : "a folder of \(names.prefix(5).joined(separator: ", "))")
    }

    private static func file(_ url: URL) -> FoundFile {
        if url.lastPathComponent == tokenizerName { return .tokenizer(url) }
        if url.pathExtension == "safetensors" { return .safetensors(url) }
        if HubFiles.isPickle(url.lastPathComponent) { return .pickle(url) }
        let mapping = try? MappedFile(url)
        let beginsAsGGUF = withExtendedLifetime(mapping) {
            mapping?.bytes.prefix(4).elementsEqual("GGUF".utf8) ?? false
        }
        if url.pathExtension == "gguf" || beginsAsGGUF { return .gguf(url) }
        return .other("a file of an unknown kind")
    }

    private static let tokenizerName = "tokenizer.json"
    /// What a run's folder has, one or the other from its first step on, beside its recipe.
    private static let runParts = ["metrics.jsonl", "checkpoints", "summary.json", "adapter"]
}

/// Opens models wherever people have them.
public enum ModelFiles {
    /// Opens a hub folder, a GGUF file, or a folder with exactly one GGUF file.
    ///
    /// - Throws: `HubError.noModel` when the path holds something else, `HubError.pickled` for weights that are a pickle,
    ///   or what the model's files are refused with.
    public static func open(_ path: String) throws -> any ModelSource {
        func noModel(_ found: String) -> HubError { .noModel(path: path, found: found) }
        switch try FoundFile(at: path) {
        case .gguf(let url): return try GGUFModel(url)
        case .hubFolder(let url): return try HubModel(url)
        case .pickle(let url): throw HubError.pickled(file: url.path)
        case .adapterFolder: throw noModel("an adapter, which changes a model")
        case .weightsFolder: throw noModel("the weights that full fine-tuning changed, without the others")
        case .runFolder: throw noModel("the folder of a run, of which 'permafrost export merged' makes a model")
        case .checkpointFolder: throw noModel("a run's checkpoint")
        case .safetensors: throw noModel("a file of weights, which its folder's config.json tells how to use")
        case .tokenizer: throw noModel("a tokenizer")
        case .other(let found): throw noModel(found)
        }
    }
}
