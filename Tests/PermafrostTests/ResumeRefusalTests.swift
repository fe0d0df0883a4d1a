import Diagnostics
import Foundation
import Testing

/// Something that happened to the newest checkpoint of a run.
struct CheckpointDamage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let damage: @Sendable (URL) throws -> Void

    static let all = [
        CheckpointDamage(testDescription: "a flipped bit of a parameter") { folder in
            try change(folder.appendingPathComponent("state.safetensors")) { $0[$0.count - 100] ^= 1 }
        },
        CheckpointDamage(testDescription: "a truncated file") { folder in
            try change(folder.appendingPathComponent("state.safetensors")) { $0.removeLast(1000) }
        },
        CheckpointDamage(testDescription: "a flipped bit of the state") { folder in
            try change(folder.appendingPathComponent("state.json")) { $0[$0.count / 2] ^= 1 }
        },
        CheckpointDamage(testDescription: "an edited recipe") { folder in
            try change(folder.appendingPathComponent("recipe.yaml")) { $0 += Data("\n".utf8) }
        },
        CheckpointDamage(testDescription: "no marker") { folder in
            try FileManager.default.removeItem(at: folder.appendingPathComponent("complete"))
        },
    ]

    private static func change(_ file: URL, _ change: (inout Data) -> Void) throws {
        var bytes = try Data(contentsOf: file)
        change(&bytes)
        try bytes.write(to: file)
    }
}

/// A run that was killed with two checkpoints, and what it would have become.
@Suite("Damaged checkpoints and runs that cannot go on")
struct ResumeRefusalTests {
    private static let overrides = [
        "training.epochs=2", "training.checkpoint_steps=4", "evaluation.samples=0", "training.method=central",
    ]

    private func refuse(_ outcome: Program.Outcome, _ code: ExitCode = .runNotResumable, _ mentions: String...) {
        #expect(outcome.exitCode == code.rawValue && !outcome.wasKilled, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("error \(code.rawValue): "))
        #expect(outcome.errors.contains("\n  → "))
        for text in mentions { #expect(outcome.errors.contains(text), "\(outcome.errors)") }
    }

    @Test("a damaged checkpoint is skipped with a message, and the one before it gives the same bits")
    func damaged() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let killed = try tiny.trainDisturbed(Self.overrides, step: 9)
            for (number, damage) in CheckpointDamage.all.enumerated() {
                let run = try tiny.copy(killed, to: "copy-\(number)")
                let checkpoints = try run.wholeCheckpoints()
                try #require(checkpoints.count == 2)
                try damage.damage(checkpoints[1])
                let outcome = try tiny.resume(run)
                #expect(outcome.exitCode == 0, "\(damage.testDescription): \(outcome.errors)")
                #expect(outcome.output.contains("skipped   \(checkpoints[1].path): The checkpoint "))
                #expect(outcome.output.contains(" after step 4\n"), "\(damage.testDescription)")
                try expectSame(run, undisturbed)
            }
        }
    }

    @Test("a run without a whole checkpoint is refused, each of them named, and nothing of it is changed")
    func allDamaged() throws {
        try TinyModel.use { tiny in
            let run = try tiny.trainDisturbed(Self.overrides, step: 9)
            let checkpoints = try run.wholeCheckpoints()
            try #require(checkpoints.count == 2)
            for (checkpoint, damage) in zip(checkpoints, CheckpointDamage.all) { try damage.damage(checkpoint) }
            let steps = try run.steps().count
            let outcome = try tiny.resume(run)
            refuse(outcome, .runNotResumable, run.folder.path, "no whole checkpoint", "Train the recipe again")
            for checkpoint in checkpoints { #expect(outcome.output.contains("skipped   \(checkpoint.path): ")) }
            #expect(try run.steps().count == steps)
        }
    }

    @Test("a completed run, a folder that is no run and a folder that is not there are refused")
    func noRun() throws {
        try TinyModel.use { tiny in
            let run = try tiny.trainUndisturbed(["training.epochs=1", "evaluation.samples=0"])
            let adapter = try run.trained()
            refuse(try tiny.resume(run), .runNotResumable, "has come to its end")
            #expect(try run.trained() == adapter)
            // The tiny model's folder has a recipe.yaml.
            refuse(try tiny.run("resume", "."), .runNotResumable, "no whole checkpoint")
            refuse(try tiny.run("resume", run.checkpoints.path), .runNotResumable, "no run's folder")
            refuse(try tiny.run("resume", "gone"), .runNotResumable, "gone", "no run's folder")
        }
    }

    @Test("while a run is training, nobody else resumes it")
    func locked() throws {
        try TinyModel.use { tiny in
            let program = try Program(
                [
                    "train", "recipe.yaml", "training.epochs=10000", "training.checkpoint_steps=1",
                    "evaluation.samples=0",
                ],
                in: tiny.folder)
            #expect(program.line(beginningWith: "folder ") != nil)
            refuse(try tiny.run("resume", tiny.onlyRun().path), .runNotResumable, "Another process trains in")
            program.signal(SIGKILL)
            #expect(try program.finish().wasKilled)
        }
    }

    @Test("with another model in its place a run is refused, and goes on once the model is back")
    func otherModel() throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let run = try tiny.trainDisturbed(Self.overrides, step: 9)
            let count = try Int(undisturbed.summary().number("trainable_parameters"))
            let model = try Data(contentsOf: tiny.path("tiny.gguf"))
            try tiny.replaceModel(width: 16)
            refuse(try tiny.resume(run), .runNotResumable, "\(count) trainable parameters", "recipe with this model")
            try model.write(to: tiny.path("tiny.gguf"))
            try tiny.replaceModel(blocks: 5)
            refuse(
                try tiny.resume(run), .runNotResumable, "it has \(count) trainable parameters",
                "the recipe with this model has \(2 * count)")
            try model.write(to: tiny.path("tiny.gguf"))
            try tiny.replaceModel(blocks: 3)
            refuse(try tiny.resume(run), .recipeImpossibleValue, "model.frozen_blocks is 3", "3 blocks")
            try model.write(to: tiny.path("tiny.gguf"))
            #expect(try tiny.resume(run).exitCode == 0)
            try expectSame(run, undisturbed)
        }
    }
}
