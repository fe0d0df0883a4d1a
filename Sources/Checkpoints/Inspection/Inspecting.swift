import Diagnostics
import Foundation

extension FileInspection {
    /// Looks into a GGUF, safetensors or tokenizer file, a hub folder, a folder of something trained, a run's folder or
    /// one of its checkpoints.
    ///
    /// A model that is whole but not built in is described as far as the file goes, with the reason among the notes.
    ///
    /// - Throws: `FileError`, `GGUFError`, `SafetensorsError`, `HubError`, `AdapterError` or `CheckpointError` when nothing
    ///   is there, the file is damaged, or it is of a kind that is not known.
    public init(inspecting path: String) throws {
        switch try FoundFile(at: path) {
        case .gguf(let url): self = try Self.gguf(url)
        case .hubFolder(let url): self = try Self.hub(url)
        case .adapterFolder(let url): self = try Self.adapter(url)
        case .weightsFolder(let url): self = try Self.weights(url)
        case .runFolder(let url): self = try Self.run(url)
        case .checkpointFolder(let url): self = try Self.checkpoint(url)
        case .safetensors(let url): self = try Self.safetensors(url)
        case .tokenizer(let url): self = try Self.tokenizerFile(url)
        case .pickle(let url): throw HubError.pickled(file: url.path)
        case .other(let found): throw HubError.noModel(path: path, found: found)
        }
        tensors.sort { $0.name.compare($1.name, options: .numeric) == .orderedAscending }
    }

    private static func gguf(_ url: URL) throws -> FileInspection {
        let file = try GGUFFile(url)
        let isAdapter = file.metadata["general.type"] == .text("adapter")
        var report = FileInspection(url, isAdapter ? .ggufAdapter : .ggufModel)
        report.family = try file.text("general.architecture")
        for tensor in file.tensors.values {
            report.add(
                InspectedTensor(
                    name: tensor.name, shape: tensor.shape, type: "\(tensor.format)".uppercased(),
                    bytes: tensor.byteCount))
        }
        if isAdapter {
            report.adapter = try GGUFAdapterSummary(file).adapter(trainables: report.parameters)
            return report
        }
        report.noting { report in report.sizes = try GGUFModel(file).hyperparameters.inspected }
        report.noting { report in
            let metadata = try file.tokenizerMetadata()
            report.tokenizer = InspectedTokenizer(
                model: metadata.model, preTokenizer: metadata.preTokenizer, tokens: metadata.tokens.count,
                hasChatTemplate: metadata.chatTemplate != nil)
        }
        return report
    }

    private static func hub(_ folder: URL) throws -> FileInspection {
        var report = FileInspection(folder, .hubModel)
        let configuration = try HubConfiguration(folder.appendingPathComponent(HubConfiguration.fileName))
        report.family = try? configuration.text("model_type")
        for file in try HubFiles(in: folder).files { report.add(file) }
        report.noting { report in report.sizes = try HubModel(folder).hyperparameters.inspected }
        report.tokenizer = InspectedTokenizer(hubFolder: folder)
        return report
    }

    static func adapter(_ folder: URL) throws -> FileInspection {
        var report = FileInspection(folder, .peftAdapter)
        let adapter = try PEFTAdapter(contentsOf: folder)
        report.family = adapter.family.name
        report.add(try SafetensorsFile(folder.appendingPathComponent(PEFTAdapter.tensorsName)))
        report.adapter = InspectedAdapter(
            rank: adapter.rank, alpha: adapter.alpha, isRankStabilised: adapter.isRankStabilised,
            targets: adapter.targetModules, blocks: adapter.layers, trainables: adapter.parameterCount,
            savedModules: adapter.savedModules.keys.sorted(),
            baseModel: adapter.baseModel.isEmpty ? nil : adapter.baseModel)
        return report
    }

    private static func safetensors(_ url: URL) throws -> FileInspection {
        var report = FileInspection(url, .safetensors)
        report.add(try SafetensorsFile(url))
        return report
    }

    private static func tokenizerFile(_ url: URL) throws -> FileInspection {
        var report = FileInspection(url, .tokenizer)
        report.tokenizer = InspectedTokenizer(hubFolder: url.deletingLastPathComponent())
        return report
    }

    mutating func add(_ file: SafetensorsFile) {
        for (name, stored) in file.storage {
            add(InspectedTensor(name: name, shape: file.shapes[name] ?? [], type: stored.type, bytes: stored.bytes))
        }
    }

    /// Describes more, or notes why that cannot be.
    mutating func noting(_ describe: (inout FileInspection) throws -> Void) {
        do {
            try describe(&self)
        } catch {
            notes.append((error as? any NumberedError)?.problem ?? "\(error)")
        }
    }
}
