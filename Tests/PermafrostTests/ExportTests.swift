import Checkpoints
import Diagnostics
import Foundation
import Support
import Testing

@Suite("permafrost export")
struct ExportTests {
    private func logits(_ file: URL) throws -> [[Double]] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            .map { try JSON(String($0)).numbers("logits") }
    }

    /// The score and the logits of the test sentences.
    private func evaluate(_ tiny: TinyModel, _ arguments: [String]) throws -> (JSON, [[Double]]) {
        let outcome = try Program.run(
            ["eval"] + arguments + ["--predictions", "out.jsonl", "--format", "json"], in: tiny.folder)
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        return (try JSON(outcome.output).inner("score"), try logits(tiny.path("out.jsonl")))
    }

    @Test(
        "the merged model alone scores what the model with what was trained scores",
        arguments: [[], ["training.trainable=full", "training.learning_rate=1e-3"], ["lora.rslora=true"]])
    func merged(overrides: [String]) throws {
        try TinyModel.use { tiny in
            let outcome = try Program.run(
                ["train", "recipe.yaml", "training.epochs=2"] + overrides, in: tiny.folder)
            try #require(outcome.exitCode == 0, "\(outcome.errors)")
            let run = try tiny.onlyRun()
            let export = try tiny.run("export", "merged", run.path, "merged")
            #expect(export.exitCode == 0, "\(export.errors)")
            #expect(export.output.contains("model.safetensors") && export.output.contains("tokenizer.json"))
            // What the report says next is what this test does.
            let line = try #require(export.output.split(separator: "\n").last)
            let next = line.split(separator: " ").map(String.init)
            try #require(next.prefix(3) == ["next:", "permafrost", "eval"], "\(line)")

            let (score, merged) = try evaluate(tiny, Array(next.dropFirst(3)))
            let (trained, expected) = try evaluate(tiny, ["recipe.yaml", "--adapter", "\(run.path)/adapter"])
            let (_, untrained) = try evaluate(tiny, ["recipe.yaml"])
            func distance(_ a: [[Double]], _ b: [[Double]]) -> Double {
                zip(a.joined(), b.joined()).map { abs($0 - $1) }.max() ?? .infinity
            }
            #expect(try score.number("accuracy") == trained.number("accuracy"))
            #expect(merged.count == expected.count && distance(merged, expected) < 1e-3)
            #expect(distance(untrained, expected) > 0.1, "training changes nothing")
        }
    }

    @Test("an adapter's folder alone needs its model named, and gives the same as the run")
    func adapterFolder() throws {
        try TinyModel.use { tiny in
            try tiny.makeAdapter()
            let unnamed = try tiny.run("export", "merged", "adapter", "merged")
            #expect(unnamed.exitCode == ExitCode.usage.rawValue && unnamed.errors.contains("--base"))
            let merged = try JSON(
                tiny.run("export", "merged", "adapter", "merged", "--base", "tiny.gguf", "--format", "json").output)
            #expect(
                merged.keys == ["form", "source", "base", "output", "files", "overrides", "seconds"])
            #expect(
                try HubModel(tiny.path("merged")).hyperparameters == GGUFModel(tiny.path("tiny.gguf")).hyperparameters)

            let peft = try tiny.run("export", "peft", "adapter", "copy", "--base", "tiny.gguf")
            #expect(peft.exitCode == 0, "\(peft.errors)")
            var original = try PEFTAdapter(contentsOf: tiny.path("adapter"))
            original.baseModel = "tiny.gguf"
            #expect(try PEFTAdapter(contentsOf: tiny.path("copy")) == original)
        }
    }

    @Test("an exported GGUF adapter reads back with the run's rank and number of parameters")
    func gguf() throws {
        try TinyModel.use { tiny in
            let training = try tiny.train("training.epochs=1", "evaluation.samples=0")
            let export = try tiny.run("export", "gguf", training.folder.path, "adapter.gguf")
            #expect(export.exitCode == 0, "\(export.errors)")
            let report = try JSON(tiny.run("inspect", "adapter.gguf", "--format", "json").output)
            #expect(try report.text("kind") == "gguf-adapter")
            let adapter = try report.inner("adapter")
            #expect(try adapter.number("rank") == 8 && adapter.number("alpha") == 16)
            #expect(try adapter.number("trainables") == training.summary.number("trainable_parameters"))
        }
    }

    @Test("what cannot be exported ends with its number, a remedy, and nothing written")
    func refused() throws {
        try TinyModel.use { tiny in
            try tiny.makeAdapter()
            let run = try tiny.train(
                "training.trainable=full", "training.epochs=1", "evaluation.samples=0"
            ).folder.path
            let shallow = try tiny.train("training.epochs=1", "evaluation.samples=0").folder
            try FileManager.default.removeItem(at: shallow.appendingPathComponent("adapter"))
            try "kept".write(to: tiny.path("taken"), atomically: true, encoding: .utf8)
            try FileManager.default.createDirectory(at: tiny.path("empty"), withIntermediateDirectories: true)
            let before = try names(tiny)
            for (arguments, code, mention) in [
                (["merged", "adapter", "taken", "--base", "tiny.gguf"], ExitCode.runFolderUnwritable, "overwritten"),
                (["peft", "adapter", "no/such/folder"], .runFolderUnwritable, "No such file"),
                (["peft", "gone", "out"], .adapterMalformed, "gone"),
                (["merged", "empty", "out"], .adapterMalformed, "empty"),
                (["merged", shallow.path, "out"], .adapterMalformed, "permafrost resume"),
                (["peft", run, "out"], .adapterMalformed, "export merged"),
                (["gguf", run, "out"], .adapterMalformed, "export merged"),
                (["merged", "adapter", "out", "--base", "gone.gguf"], .modelUnreadable, "gone.gguf"),
                (["merged", "adapter", "out", "--base", Self.gpt2], .adapterMismatch, "gpt2"),
                (["merged", run, "out", "--base", Self.llama], .adapterMismatch, "does not fit"),
                (["gguf", "\(Self.gpt2)/adapter", "out", "--base", Self.gpt2], .adapterMismatch, "gpt2"),
                (["merged", Self.classifier, "out", "--base", Self.llama], .adapterMismatch, Self.classifier),
            ] {
                let outcome = try Program.run(["export"] + arguments, in: tiny.folder)
                #expect(outcome.exitCode == code.rawValue && !outcome.wasKilled, "\(arguments): \(outcome.errors)")
                #expect(outcome.errors.contains(mention) && outcome.errors.contains("  → "), "\(outcome.errors)")
            }
            #expect(try names(tiny) == before)
            #expect(try String(contentsOf: tiny.path("taken"), encoding: .utf8) == "kept")
        }
    }

    private static let gpt2 = Fixtures.folder.appendingPathComponent("hub/gpt2").path
    private static let llama = Fixtures.folder.appendingPathComponent("hub/llama").path
    private static let classifier = Fixtures.folder.appendingPathComponent("peft-classifier").path

    /// Everything in the folder, hidden files as well.
    private func names(_ tiny: TinyModel) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: tiny.folder.path))
    }
}
