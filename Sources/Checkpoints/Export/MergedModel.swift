import Foundation
import Tensors

/// A base model with an adapter merged into its weights, written as a hub folder.
public enum MergedModel {
    /// The files of a hub folder that say how text becomes tokens and how answers are drawn.
    public static let companionFiles = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "merges.txt", "tokenizer.model", "chat_template.jinja", "generation_config.json",
    ]

    /// Floats that are in memory at a time.
    private static let chunkFloats = 1 << 20

    /// Writes `model.safetensors` in F32, W + scale · B A for the layers that the adapter changes, then the tokenizer's
    /// files, copied from a hub folder or made of what a GGUF file says, and `config.json`, into an existing folder.
    ///
    /// - Parameters:
    ///   - base: the model, or one with trained weights laid over it.
    ///   - adapter: nil writes the base as it is.
    ///   - progress: is told, now and then, how many bytes of the weights are written, and of how many; what it throws
    ///     ends the writing.
    /// - Throws: `AdapterError` when the adapter does not fit the model or trained a classifier, `FileError.unwritable`,
    ///   `HubError.unsupported` when no configuration describes the model, or what the base's files are refused with.
    public static func write(
        base: any ModelSource, adapter: PEFTAdapter?, to folder: URL,
        progress: (_ bytes: Int, _ of: Int) throws -> Void = { _, _ in }
    ) throws {
        let sizes = base.hyperparameters, overlaid = base as? OverlaidModel
        try adapter?.check(fits: sizes)
        try overlaid?.check()
        guard adapter?.savedModules.isEmpty ?? true, overlaid?.hasClassifier != true else {
            throw AdapterError.unsupported(
                folder: folder.path, feature: "a trained classifier in a merged language model")
        }
        let origin = overlaid?.base ?? base
        let configuration = try sizes.hubConfiguration(tokenIDs: tokenIDs(of: origin))
        let tensors = Dictionary(uniqueKeysWithValues: sizes.tensors.map { ($0.name, $0) })
        let bytes = sizes.tensors.reduce(0) { $0 + 4 * $1.shape.reduce(1, *) }
        var written = 0
        try SafetensorsFile.write(
            tensors.mapValues(\.shape), metadata: ["format": "pt"], to: folder.appendingPathComponent(HubFiles.single)
        ) { name, sink in
            guard let tensor = tensors[name] else { return }
            let change = tensor.linear.flatMap { linear in adapter.flatMap { Change($0, linear) } }
            try write(tensor, of: base, change, to: &sink) { count in
                written += 4 * count
                try progress(written, bytes)
            }
        }
        try writeTokenizer(of: origin, to: folder)
        // The configuration comes last: a folder that has one is whole.
        try WholeFile.write([configuration], to: folder.appendingPathComponent(HubConfiguration.fileName))
    }

    private static func write(
        _ tensor: HubTensor, of base: any ModelSource, _ change: Change?, to sink: inout FileSink,
        wrote: (_ floats: Int) throws -> Void
    ) throws {
        let columns = tensor.shape.last ?? 1, rows = tensor.shape.dropLast().reduce(1, *)
        let step = max(1, chunkFloats / max(columns, 1))
        for start in stride(from: 0, to: rows, by: step) {
            let range = start..<min(start + step, rows)
            let chunk = Storage(count: range.count * columns).matrix(rows: range.count, columns: columns)
            try base.readRows(Array(range), of: tensor.name, into: chunk)
            change?.add(rows: range, to: chunk)
            sink.append(chunk)
            try wrote(chunk.count)
        }
        base.releasePages()
    }

    /// The ids that begin and end a text, as the base's files have them.
    private static func tokenIDs(of base: any ModelSource) -> [String: ConfigurationValue] {
        var ids: [String: ConfigurationValue] = [:]
        for (key, short) in [("bos_token_id", "bos"), ("eos_token_id", "eos"), ("pad_token_id", "padding")] {
            if let hub = base as? HubModel {
                ids[key] = hub.configuration[key]
            } else if let file = (base as? GGUFModel)?.file {
                ids[key] = file.metadata["tokenizer.ggml.\(short)_token_id"]?.integer.map(ConfigurationValue.integer)
            }
        }
        return ids
    }

    /// A model file that says nothing of a tokenizer gives none.
    private static func writeTokenizer(of base: any ModelSource, to folder: URL) throws {
        if let hub = base as? HubModel {
            try copyCompanions(from: hub.folder, to: folder)
        } else if let file = (base as? GGUFModel)?.file, file.metadata["tokenizer.ggml.tokens"] != nil {
            try file.tokenizerMetadata().writeHubFiles(
                to: folder, contextLength: base.hyperparameters.contextLength,
                paddingID: file.integer("tokenizer.ggml.padding_token_id").flatMap { Int32(exactly: $0) })
        }
    }

    private static func copyCompanions(from source: URL, to target: URL) throws {
        for name in companionFiles {
            let file = source.appendingPathComponent(name)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            try WholeFile.write([try MappedFile(file).data], to: target.appendingPathComponent(name))
        }
    }
}

/// What an adapter adds to a weight.
private struct Change {
    /// A [rank, inputs] and B [outputs, rank].
    private let a: Matrix
    private let b: Matrix
    private let scale: Float
    private let isTransposed: Bool

    /// Nil for a layer that the adapter leaves as it is.
    init?(_ adapter: PEFTAdapter, _ linear: PlacedLinear) {
        guard let pair = adapter.pairs[linear.adapterSite] else { return nil }
        func matrix(_ values: [Float], _ rows: Int) -> Matrix {
            let storage = Storage(count: values.count)
            storage.base.update(from: values, count: values.count)
            return storage.matrix(rows: rows, columns: values.count / rows)
        }
        a = matrix(pair.a, adapter.rank)
        b = matrix(pair.b, linear.site.outputs.count)
        scale = adapter.scale
        isTransposed = linear.site.isStoredTransposed
    }

    /// Adds scale · B A, or its transpose Aᵀ Bᵀ, to some rows of the stored weight.
    func add(rows: Range<Int>, to chunk: Matrix) {
        if isTransposed {
            chunk.product(of: a.columns(rows), .transposed, and: b, .transposed, scale: scale, keep: 1)
        } else {
            chunk.product(of: b.rows(rows), and: a, scale: scale, keep: 1)
        }
    }
}
