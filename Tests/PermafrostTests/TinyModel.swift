import Checkpoints
import Foundation
import Support
import Testing

/// A working folder with the tiny model, its sentences and its recipe.
struct TinyModel {
    let folder: URL

    /// Runs a test in a folder of its own.
    static func use<Result>(_ body: (TinyModel) throws -> Result) throws -> Result {
        try Fixtures.withTemporaryFolder { folder in
            let fixture = Fixtures.folder.appendingPathComponent("tiny-model")
            for name in ["tiny.gguf", "sentences.txt", "recipe.yaml"] {
                try FileManager.default.copyItem(
                    at: fixture.appendingPathComponent(name), to: folder.appendingPathComponent(name))
            }
            return try body(TinyModel(folder: folder))
        }
    }

    /// A path in the folder.
    func path(_ name: String) -> URL { folder.appendingPathComponent(name) }

    /// Runs the program in the folder.
    func run(_ arguments: String...) throws -> Program.Outcome { try Program.run(arguments, in: folder) }

    /// Trains the recipe with overrides, which must succeed.
    func train(_ overrides: String...) throws -> Training {
        let outcome = try Program.run(["train", "recipe.yaml", "--format", "json"] + overrides, in: folder)
        try #require(outcome.exitCode == 0 && !outcome.wasKilled, "\(outcome.errors)")
        let summary = try JSON(outcome.output)
        return Training(
            outcome: outcome, summary: summary, folder: path("runs").appendingPathComponent(try summary.text("run")))
    }

    /// The folder of the only run.
    func onlyRun() throws -> URL {
        let runs = try FileManager.default.contentsOfDirectory(at: path("runs"), includingPropertiesForKeys: nil)
        try #require(runs.count == 1)
        return runs[0]
    }
}

/// A finished run.
struct Training {
    let outcome: Program.Outcome
    let summary: JSON
    let folder: URL

    var adapter: URL { folder.appendingPathComponent("adapter") }

    /// The adapter's file as it is.
    func adapterBytes() throws -> Data {
        try Data(contentsOf: adapter.appendingPathComponent("adapter_model.safetensors"))
    }

    /// The adapter's values, tensor after tensor in the order of their names.
    func adapterValues() throws -> [Float] {
        let file = try SafetensorsFile(adapter.appendingPathComponent("adapter_model.safetensors"))
        return try file.shapes.keys.sorted().flatMap { try file.values($0) }
    }

    /// The lines of `metrics.jsonl`.
    func metrics() throws -> [JSON] {
        let text = try String(contentsOf: folder.appendingPathComponent("metrics.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { try JSON(String($0)) }
    }
}

/// A JSON object.
struct JSON {
    private let object: [String: Any]

    init(_ text: String) throws {
        object = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    init(contentsOf file: URL) throws { try self.init(String(contentsOf: file, encoding: .utf8)) }

    var keys: Set<String> { Set(object.keys) }

    func has(_ key: String) -> Bool { object[key] != nil }

    func number(_ key: String) throws -> Double { try #require(object[key] as? NSNumber, "\(key)").doubleValue }

    func text(_ key: String) throws -> String { try #require(object[key] as? String, "\(key)") }

    func flag(_ key: String) throws -> Bool { try #require(object[key] as? Bool, "\(key)") }

    func numbers(_ key: String) throws -> [Double] {
        try #require(object[key] as? [NSNumber], "\(key)").map(\.doubleValue)
    }

    /// The length of a list.
    func count(_ key: String) throws -> Int { try #require(object[key] as? [Any], "\(key)").count }

    /// The objects of a list.
    func list(_ key: String) throws -> [JSON] {
        try #require(object[key] as? [[String: Any]], "\(key)").map { JSON(object: $0) }
    }

    func inner(_ key: String) throws -> JSON { JSON(object: try #require(object[key] as? [String: Any], "\(key)")) }

    private init(object: [String: Any]) { self.object = object }
}
