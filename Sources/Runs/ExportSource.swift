import Checkpoints
import Foundation
import Recipes

/// What is to be exported: what was trained, and the model that it was trained on.
struct ExportSource {
    /// What a run or somebody else trained.
    enum Trained {
        case adapter(PEFTAdapter)
        case weights(SafetensorsFile)
    }

    /// The folder of what was trained.
    let folder: String
    /// The recipe of the run that the folder belongs to.
    let recipe: (path: String, recipe: Recipe)?
    /// The model's path, nil when nothing says it.
    let basePath: String?
    private let isRecipesBase: Bool

    /// Finds a run's recipe and what it trained, or a folder of something trained.
    ///
    /// - Parameters:
    ///   - path: a run's folder, the folder 'adapter' of one, or an adapter's folder from elsewhere.
    ///   - base: the model; nil means the one that the run's recipe names.
    /// - Throws: `ExportError.nothingTrained`, `RecipeError`.
    init(_ path: String, base: String?, cache: CacheFolder) throws {
        let url = URL(fileURLWithPath: cache.resolve(path)).standardizedFileURL
        func isTrained(_ folder: URL) -> Bool {
            ["adapter_config.json", OverlaidModel.weightsName].contains { Self.exists($0, in: folder) }
        }
        let isRun = !isTrained(url) && Self.exists("recipe.yaml", in: url)
        let folder = isRun ? url.appendingPathComponent("adapter") : url
        guard isTrained(folder) else { throw ExportError.nothingTrained(path: cache.resolve(path), isRun: isRun) }
        let run = folder.deletingLastPathComponent()
        let recipePath = run.appendingPathComponent("recipe.yaml").path
        // A recipe may lie beside an adapter by chance; a run's log does not.
        let isRuns = folder.lastPathComponent == "adapter" && Self.exists("metrics.jsonl", in: run)
        if isRun || isRuns && FileManager.default.fileExists(atPath: recipePath) {
            recipe = (recipePath, try Recipe.load(file: recipePath))
        } else {
            recipe = nil
        }
        self.folder = folder.path
        isRecipesBase = base == nil
        basePath = (base ?? recipe?.recipe.model.path).map(cache.resolve)
    }

    /// What was trained.
    ///
    /// - Throws: what its files are refused with.
    func trained() throws -> Trained {
        let url = URL(fileURLWithPath: folder)
        if Self.exists("adapter_config.json", in: url) { return .adapter(try PEFTAdapter(contentsOf: url)) }
        return .weights(try SafetensorsFile(url.appendingPathComponent(OverlaidModel.weightsName)))
    }

    /// The model, of the digest that the recipe says.
    ///
    /// - Throws: `ExportError.baseUnknown`, `RunError`, or what the model's files are refused with.
    func base() throws -> any ModelSource {
        guard let basePath else { throw ExportError.baseUnknown(path: folder) }
        if isRecipesBase {
            guard FileManager.default.fileExists(atPath: basePath) else {
                throw RunError.fileMissing(path: basePath, key: "model.path")
            }
            if let sha256 = recipe?.recipe.model.sha256 { try checkFile(basePath, sha256: sha256, key: "model.path") }
        }
        return try ModelFiles.open(basePath)
    }

    private static func exists(_ name: String, in folder: URL) -> Bool {
        FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
    }
}
