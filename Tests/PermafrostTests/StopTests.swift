import Foundation
import Testing

@Suite("Stopping a run")
struct StopTests {
    @Test(
        "SIGINT and SIGTERM end training after a step, with exit code 62 and a whole folder",
        arguments: [SIGINT, SIGTERM])
    func training(signal: Int32) throws {
        try TinyModel.use { tiny in
            let program = try Program(["train", "recipe.yaml", "training.epochs=10000"], in: tiny.folder)
            #expect(program.line(beginningWith: "step ") != nil)
            program.signal(signal)
            let outcome = try program.finish()
            #expect(outcome.exitCode == 62 && !outcome.wasKilled)
            #expect(outcome.errors.hasPrefix("error 62: "))
            let run = try tiny.onlyRun()
            let summary = try JSON(contentsOf: run.appendingPathComponent("summary.json"))
            #expect(try summary.text("state") == "interrupted")
            #expect(try (1..<120_000).contains(Int(summary.number("steps"))))
            let score = try tiny.run(
                "eval", "recipe.yaml", "--adapter", run.appendingPathComponent("adapter").path, "--format", "json")
            #expect(score.exitCode == 0)
        }
    }

    @Test("training in one place is stopped in the same way")
    func central() throws {
        try TinyModel.use { tiny in
            let program = try Program(
                ["train", "recipe.yaml", "training.epochs=10000", "training.method=central"], in: tiny.folder)
            #expect(program.line(beginningWith: "step ") != nil)
            program.signal(SIGINT)
            #expect(try program.finish().exitCode == 62)
            let summary = try JSON(contentsOf: tiny.onlyRun().appendingPathComponent("summary.json"))
            #expect(try summary.text("state") == "interrupted")
        }
    }

    @Test(
        "SIGINT before the first step ends the run with exit code 62",
        arguments: ["model ", "data ", "training "], [0, 1050])
    func beforeTraining(line: String, evaluationSamples: Int) throws {
        try TinyModel.use { tiny in
            let program = try Program(
                ["train", "recipe.yaml", "training.epochs=10000", "evaluation.samples=\(evaluationSamples)"],
                in: tiny.folder)
            #expect(program.line(beginningWith: line) != nil)
            program.signal(SIGINT)
            let outcome = try program.finish()
            #expect(outcome.exitCode == 62 && !outcome.wasKilled)
        }
    }

    @Test("SIGINT while test sentences are scored ends the run with exit code 62")
    func evaluation() throws {
        try TinyModel.use { tiny in
            // So many that scoring them takes far longer than a signal.
            let sentences = (1...4000).map { "\($0)\t\($0 % 2 == 0 ? 1 : -1)\tsentence number \($0) has a plot\n" }
            try sentences.joined().write(to: tiny.path("many.txt"), atomically: true, encoding: .utf8)
            let program = try Program(
                [
                    "train", "recipe.yaml", "data.path=many.txt", "data.train_limit=100", "data.test_fraction=0.9",
                    "evaluation.samples=4000",
                ], in: tiny.folder)
            #expect(program.line(beginningWith: "  device-4") != nil)
            program.signal(SIGINT)
            let outcome = try program.finish()
            #expect(outcome.exitCode == 62 && !outcome.wasKilled)
            #expect(outcome.errors.contains("after 0 steps"))
        }
    }

    @Test("a reader that goes away does not stop the run")
    func closedPipe() throws {
        try TinyModel.use { tiny in
            let program = try Program(["train", "recipe.yaml"], in: tiny.folder)
            #expect(program.line(beginningWith: "recipe ") != nil)
            try program.closeOutput()
            let outcome = try program.finish()
            #expect(outcome.exitCode == 0 && !outcome.wasKilled)
            let summary = try JSON(contentsOf: tiny.onlyRun().appendingPathComponent("summary.json"))
            #expect(try summary.text("state") == "completed")
        }
    }
}
