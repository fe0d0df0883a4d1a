import Checkpoints
import Foundation
import Testing

/// What a run leaves in its folder.
struct RunFiles {
    let folder: URL

    var checkpoints: URL { folder.appendingPathComponent("checkpoints") }

    /// Every file of what was trained, by its name.
    func trained() throws -> [String: Data] {
        let adapter = folder.appendingPathComponent("adapter")
        let names = try FileManager.default.contentsOfDirectory(atPath: adapter.path)
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: adapter.appendingPathComponent($0))) })
    }

    func summary() throws -> JSON { try JSON(contentsOf: folder.appendingPathComponent("summary.json")) }

    /// The lines of `metrics.jsonl` that are of steps.
    func steps() throws -> [JSON] {
        let text = try String(contentsOf: folder.appendingPathComponent("metrics.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { try JSON(String($0)) }.filter { $0.has("step") }
    }

    /// The folders of the checkpoints that are whole, the oldest first.
    func wholeCheckpoints() throws -> [URL] {
        guard FileManager.default.fileExists(atPath: checkpoints.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(at: checkpoints, includingPropertiesForKeys: nil)
            .filter { FileManager.default.fileExists(atPath: $0.appendingPathComponent("complete").path) }
            .sorted { $0.path < $1.path }
    }
}

/// Checks that a run ended as another one did, to the bit, with every step in its log.
func expectSame(_ run: RunFiles, _ undisturbed: RunFiles) throws {
    #expect(try run.trained() == undisturbed.trained())
    let summary = try run.summary(), whole = try undisturbed.summary()
    #expect(try summary.text("state") == "completed")
    for key in [
        "steps", "epochs", "train_tokens", "train_samples", "final_loss", "trainable_parameters", "seed",
    ] {
        #expect(try summary.number(key) == whole.number(key), "\(key)")
    }
    for key in ["score", "baseline"] {
        #expect(summary.has(key) == whole.has(key))
        if whole.has(key) { try expectSameScore(summary.inner(key), whole.inner(key)) }
    }
    let steps = try run.steps(), expected = try undisturbed.steps()
    #expect(try steps.map { try Int($0.number("step")) } == Array(1...max(1, expected.count)))
    for key in ["epoch", "loss", "acc", "lr"] {
        #expect(try steps.map { try $0.number(key) } == expected.map { try $0.number(key) }, "\(key)")
    }
}

/// Checks that two scores have the same figures.
func expectSameScore(_ score: JSON, _ expected: JSON) throws {
    #expect(score.keys == expected.keys && !score.keys.isEmpty)
    for figure in expected.keys { #expect(try score.number(figure) == expected.number(figure), "\(figure)") }
}

extension TinyModel {
    /// Trains the recipe to its end into a folder of its own.
    func trainUndisturbed(_ overrides: [String]) throws -> RunFiles {
        try undisturbed(startUndisturbed(overrides))
    }

    /// Begins to train the recipe into a folder of its own.
    func startUndisturbed(_ overrides: [String], within seconds: Double = 120) throws -> Program {
        try Program(
            ["train", "recipe.yaml", "--format", "json", "runs=undisturbed"] + overrides, in: folder, within: seconds)
    }

    /// What was trained undisturbed, once it is.
    func undisturbed(_ program: Program) throws -> RunFiles {
        let outcome = try program.finish()
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        return RunFiles(folder: path("undisturbed/\(try JSON(outcome.output).text("run"))"))
    }

    /// Trains the recipe until a step is shown, and then sends a signal.
    func trainDisturbed(_ overrides: [String], step: Int, signal: Int32 = SIGKILL) throws -> RunFiles {
        try disturb(["train", "recipe.yaml"] + overrides, step: step, signal: signal)
        return RunFiles(folder: try onlyRun())
    }

    /// Runs a command until a step is shown, and then sends a signal.
    func disturb(_ arguments: [String], step: Int, signal: Int32) throws {
        let program = try Program(arguments, in: folder)
        let line = program.line(beginningWith: "step \(step)/")
        program.signal(signal)
        let outcome = try program.finish()
        try #require(line != nil, "\(outcome.errors)")
        try #require(signal == SIGKILL ? outcome.wasKilled : outcome.exitCode == 62, "\(outcome.errors)")
    }

    /// Resumes a run.
    func resume(_ run: RunFiles) throws -> Program.Outcome { try self.run("resume", run.folder.path) }

    /// A copy of a run, at the same place in another folder.
    func copy(_ run: RunFiles, to name: String) throws -> RunFiles {
        let copy = path(name).appendingPathComponent(run.folder.lastPathComponent)
        try FileManager.default.createDirectory(at: path(name), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: run.folder, to: copy)
        return RunFiles(folder: copy)
    }

    /// Writes a model of other sizes, with the tiny model's tokenizer, in its place.
    func replaceModel(width: Int = 32, blocks: Int = 4) throws {
        let file = try GGUFFile(path("tiny.gguf"))
        var metadata = file.metadata
        metadata["llama.block_count"] = .unsigned(UInt64(blocks))
        metadata["llama.embedding_length"] = .unsigned(UInt64(width))
        let block = file.tensors.filter { $0.key.hasPrefix("blk.0.") }
        let outside = file.tensors.filter { !$0.key.hasPrefix("blk.") }
        let inside = (0..<blocks).flatMap { number in
            block.map { (name: $0.key.replacing("blk.0.", with: "blk.\(number)."), tensor: $0.value) }
        }
        // The feed-forward layer's width is 64, so that every 32 is the model's width.
        let heads = width / 2
        let tensors = (outside.map { (name: $0.key, tensor: $0.value) } + inside).map { name, tensor in
            (name: name, shape: tensor.shape.map { $0 == 32 ? width : $0 == 16 ? heads : $0 })
        }
        try GGUFFile.write(metadata: metadata.map { ($0.key, $0.value) }, tensors: tensors, to: path("tiny.gguf")) {
            name, sink in
            let count = tensors.first { $0.name == name }?.shape.reduce(1, *) ?? 0
            sink.append((0..<count).map { Float($0 % 7) * 0.01 })
        }
    }
}
