import Diagnostics
import Foundation
import Support
import Testing

@Suite("permafrost inspect")
struct InspectTests {
    private static let always: Set<String> = [
        "path", "kind", "sizes", "parameters", "bytes_by_type", "tensors", "notes", "skipped",
    ]

    private func inspect(_ path: String, in folder: URL = Fixtures.folder) throws -> JSON {
        let outcome = try Program.run(["inspect", path, "--format", "json"], in: folder)
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        return try JSON(outcome.output)
    }

    @Test(
        "every kind of file has its keys in JSON, and its kind and sizes in text",
        arguments: [
            ("tiny-model/tiny.gguf", "gguf-model", ["family", "tokenizer"]),
            ("hub/opt", "hub-model", ["family"]),
            ("hub/gpt2/adapter", "peft-adapter", ["family", "adapter"]),
            ("gguf/llama.safetensors", "safetensors", []),
        ])
    func kinds(path: String, kind: String, keys: [String]) throws {
        let report = try inspect(path)
        #expect(try report.text("kind") == kind)
        #expect(report.keys == Self.always.union(keys))
        let text = try Program.run(["inspect", path], in: Fixtures.folder).output
        #expect(text.hasPrefix("kind ") && text.contains("\nparameters ") && text.contains("\nstored as "))
        #expect(!text.contains("\n\n"), "tensors are listed only when asked for")
        let listed = try Program.run(["inspect", path, "--tensors"], in: Fixtures.folder).output
        let rows = try #require(listed.components(separatedBy: "\n\n").last).split(separator: "\n")
        #expect(try Double(rows.count) == Double(report.count("tensors")))
        #expect(rows.allSatisfy { $0.contains("[") })
    }

    @Test("the figures in text are those of the file")
    func text() throws {
        let text = try Program.run(["inspect", "hub/gpt2/adapter"], in: Fixtures.folder).output
        #expect(text.contains("an adapter in PEFT's format"))
        #expect(text.contains("targets        c_attn, c_proj\n") || text.contains("targets     c_attn, c_proj\n"))
        #expect(text.contains("1, 3 (counted from 1)"))
        #expect(text.contains("alpha / √rank"))
    }

    @Test("a path in the cache is found there")
    func cache() throws {
        let outcome = try Program(
            ["inspect", "cache:tiny.gguf"], in: Fixtures.folder,
            environment: ["PERMAFROST_CACHE": Fixtures.folder.appendingPathComponent("tiny-model").path]
        ).finish()
        #expect(outcome.exitCode == 0 && outcome.output.contains("tiny-model/tiny.gguf"))
    }

    @Test("a run's folder tells what it trained, its newest whole checkpoint, and why a newer one was skipped")
    func run() throws {
        try TinyModel.use { tiny in
            let training = try tiny.train(
                "training.epochs=2", "training.checkpoint_steps=5", "evaluation.samples=0")
            let report = try inspect(training.folder.path)
            #expect(try report.text("kind") == "run")
            #expect(report.keys == Self.always.union(["family", "adapter", "checkpoint"]))
            let newest = try report.inner("checkpoint")
            let trainables = try training.summary.number("trainable_parameters")
            #expect(try newest.number("trainables") == trainables)
            #expect(try report.inner("adapter").number("trainables") == trainables)

            let folder = URL(fileURLWithPath: try newest.text("path"))
            let checkpoint = try inspect(folder.path)
            #expect(try checkpoint.text("kind") == "run-checkpoint")
            #expect(try checkpoint.inner("checkpoint").number("step") == newest.number("step"))

            let state = folder.appendingPathComponent("state.safetensors")
            var bytes = try Data(contentsOf: state)
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: state)
            let damaged = try Program.run(["inspect", folder.path], in: tiny.folder)
            #expect(damaged.exitCode == ExitCode.checkpointDamaged.rawValue)
            #expect(damaged.errors.contains("state.safetensors"))
            let after = try inspect(training.folder.path)
            #expect(try after.count("skipped") == 1)
            #expect(try after.inner("checkpoint").number("step") < newest.number("step"))
            let text = try Program.run(["inspect", training.folder.path], in: tiny.folder).output
            #expect(text.contains("skipped ") && text.contains("state.safetensors"))
        }
    }

    @Test("a run of full fine-tuning tells which blocks it changed")
    func weights() throws {
        try TinyModel.use { tiny in
            let training = try tiny.train("training.trainable=full", "training.epochs=1", "evaluation.samples=0")
            let report = try inspect(training.adapter.path)
            #expect(try report.text("kind") == "trained-weights" && report.text("family") == "llama")
            let weights = try report.inner("trained_weights")
            #expect(try weights.numbers("blocks") == [3])
            #expect(try weights.number("trainables") == training.summary.number("trainable_parameters"))
            #expect(try inspect(training.folder.path).inner("trained_weights").numbers("blocks") == [3])
        }
    }

    @Test("what is not there, empty, cut off or unknown ends with its number")
    func refused() throws {
        try TinyModel.use { tiny in
            try FileManager.default.createDirectory(at: tiny.path("empty"), withIntermediateDirectories: true)
            try FileManager.default.createDirectory(at: tiny.path("step-00000001"), withIntermediateDirectories: true)
            try tiny.editBytes("tiny.gguf") { $0.removeLast(1000) }
            for (path, code, mention) in [
                ("gone", ExitCode.modelUnreadable, "gone"), ("empty", .modelUnreadable, "empty folder"),
                ("tiny.gguf", .modelTruncated, "tiny.gguf"), ("sentences.txt", .modelUnreadable, "unknown kind"),
                ("step-00000001", .checkpointDamaged, "never finished"),
            ] {
                let outcome = try tiny.run("inspect", path)
                #expect(outcome.exitCode == code.rawValue && !outcome.wasKilled, "\(path): \(outcome.errors)")
                #expect(outcome.errors.contains(mention) && outcome.errors.contains("  → "), "\(outcome.errors)")
                let json = try JSON(tiny.run("inspect", path, "--format", "json").output)
                #expect(try json.inner("error").number("code") == Double(code.rawValue))
            }
        }
    }
}
