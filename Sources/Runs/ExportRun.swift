import Checkpoints
import Foundation
import Recipes
import Synchronization

/// The form in which something that was trained leaves the project.
public enum ExportForm: String, CaseIterable, Sendable, Codable {
    /// An adapter's folder that Python's PEFT loads.
    case peft
    /// A hub folder with the whole model, what was trained merged into its weights.
    case merged
    /// A file that llama.cpp loads as an adapter.
    case gguf
}

/// Writes what was trained for other programs.
public final class ExportRun: Sendable {
    private let form: ExportForm
    private let source: String
    private let output: String
    private let basePath: String?
    private let cache: CacheFolder
    private let isStopping = Atomic(false)

    /// - Parameters:
    ///   - source: a run's folder, or the folder of an adapter.
    ///   - output: where nothing is yet: a file for GGUF, else a folder.
    ///   - base: the model that the source was trained on; nil means the one that the run's recipe names.
    public init(
        _ form: ExportForm, source: String, output: String, base: String?, cache: CacheFolder = CacheFolder()
    ) {
        self.form = form
        self.source = source
        self.output = cache.resolve(output)
        basePath = base
        self.cache = cache
    }

    /// What was written, as it is printed.
    public struct Report: Codable, Sendable, Equatable {
        /// The form.
        public var form: ExportForm
        /// The folder of what was trained.
        public var source: String
        /// The model, where it was needed.
        public var base: String?
        /// The folder or file that was written.
        public var output: String
        /// The files in it, by name.
        public var files: [File]
        /// The run's recipe, nil for an adapter from elsewhere.
        public var recipe: String?
        /// What the recipe needs on the command line to use a merged model.
        public var overrides: [String]
        /// The whole export.
        public var seconds: Double
    }

    /// A file that was written.
    public struct File: Codable, Sendable, Equatable {
        /// Its name in the folder.
        public var name: String
        /// Its size.
        public var bytes: Int
    }

    /// Ends the export with `ExportError.interrupted`. Callable from any thread.
    public func stop() { isStopping.store(true, ordering: .relaxed) }

    /// Writes the output, which is whole or not there. Blocks the calling thread.
    ///
    /// - Parameter progress: is told how many bytes of a whole model are written, and of how many.
    /// - Throws: `ExportError`; `RunError.adapterMismatch` when the model is not the one that was trained; or what files
    ///   are refused with.
    public func run(progress: (_ bytes: Int, _ of: Int) -> Void) throws -> Report {
        let start = ContinuousClock.now
        let url = URL(fileURLWithPath: output)
        guard !FileManager.default.fileExists(atPath: url.path) else { throw ExportError.outputExists(path: output) }
        let found = try ExportSource(source, base: basePath, cache: cache)
        do {
            try write(found, to: url, progress: progress)
        } catch AdapterError.otherBase(let reason) {
            throw RunError.adapterMismatch(path: found.folder, reason: reason)
        } catch AdapterError.unsupported(_, let feature) {
            throw AdapterError.unsupported(folder: found.folder, feature: feature)
        }
        let hasDigest = found.recipe?.recipe.model.sha256 != nil
        return Report(
            form: form, source: found.folder, base: form == .peft ? basePath : found.basePath, output: output,
            files: Self.files(at: url), recipe: found.recipe?.path,
            overrides: form == .merged ? ["model.path=\(output)"] + (hasDigest ? ["model.sha256=null"] : []) : [],
            seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    private func write(
        _ found: ExportSource, to url: URL, progress: (_ bytes: Int, _ of: Int) -> Void
    ) throws {
        switch (form, try found.trained()) {
        case (.peft, .adapter(var adapter)):
            if let basePath {
                try adapter.check(fits: found.base().hyperparameters)
                adapter.baseModel = basePath
            }
            try WholeFolder.write(to: url) { try adapter.write(to: $0) }
        case (.gguf, .adapter(let adapter)):
            try adapter.writeGGUF(to: url, model: found.base().hyperparameters)
        case (.peft, .weights), (.gguf, .weights): throw ExportError.noAdapter(path: found.folder)
        case (.merged, let trained):
            var base = try found.base(), adapter: PEFTAdapter?
            switch trained {
            case .adapter(let found): adapter = found
            case .weights(let weights): base = OverlaidModel(base: base, overlay: weights)
            }
            try WholeFolder.write(to: url) { folder in
                try MergedModel.write(base: base, adapter: adapter, to: folder) { bytes, count in
                    if isStopping.load(ordering: .relaxed) { throw ExportError.interrupted(path: output) }
                    progress(bytes, count)
                }
            }
        }
    }

    private static func files(at url: URL) -> [File] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path))?.sorted()
        let urls = names.map { $0.map(url.appendingPathComponent) } ?? [url]
        return urls.map { url in
            let size = (try? FileManager.default.attributesOfItem(atPath: url.path)[.size] as? NSNumber)?.intValue
            return File(name: url.lastPathComponent, bytes: size ?? 0)
        }
    }
}
