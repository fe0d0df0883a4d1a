import Foundation
import Testing

@Suite("permafrost eval and data")
struct EvalTests {
    @Test("the adapter of a run scores what the run's summary says, and no adapter what the model scored before")
    func summaryAgain() throws {
        try TinyModel.use { tiny in
            let training = try tiny.train()
            let tuned = try tiny.run(
                "eval", "recipe.yaml", "--adapter", training.adapter.path, "--format", "json")
            let score = try training.summary.inner("score")
            for figure in ["accuracy", "macro_f1", "loss", "samples"] {
                #expect(try JSON(tuned.output).inner("score").number(figure) == score.number(figure))
            }
            let untuned = try tiny.run("eval", "recipe.yaml", "--format", "json")
            let before = try JSON(untuned.output).inner("score")
            #expect(try before.number("accuracy") == training.summary.inner("baseline").number("accuracy"))
            let shown = try tiny.run("eval", "recipe.yaml", "--adapter", training.adapter.path)
            let accuracy = String(format: "%.4f", try score.number("accuracy"))
            #expect(shown.output.hasPrefix("accuracy        \(accuracy)\nmajority "))
        }
    }

    @Test("predictions are one line per test sentence, and their logits give the accuracy")
    func predictions() throws {
        try TinyModel.use { tiny in
            let outcome = try tiny.run("eval", "recipe.yaml", "--predictions", "out.jsonl", "--format", "json")
            let report = try JSON(outcome.output).inner("score")
            let lines = try String(contentsOf: tiny.path("out.jsonl"), encoding: .utf8).split(separator: "\n")
            #expect(try Double(lines.count) == report.number("samples"))
            let right = try lines.map { try JSON(String($0)) }.count { line in
                let logits = try line.numbers("logits")
                return try (logits[1] > logits[0] ? 1 : 0) == line.number("label")
            }
            #expect(try abs(Double(right) / Double(lines.count) - report.number("accuracy")) < 1e-9)
        }
    }

    @Test("test sentences are nobody's training sentences, and each is shown with its class")
    func data() throws {
        try TinyModel.use { tiny in
            let train = try tiny.run("data", "recipe.yaml").output.split(separator: "\n")
            let test = try tiny.run("data", "recipe.yaml", "--split", "test").output.split(separator: "\n")
            #expect(train.count + test.count == 240)
            #expect(Set(train).isDisjoint(with: test))
            #expect(train.allSatisfy { $0.hasPrefix("positive\t") || $0.hasPrefix("negative\t") })
            let json = try tiny.run("data", "recipe.yaml", "--limit", "1", "--format", "json").output
            let first = try JSON(json)
            #expect(try "\(first.text("label"))\t\(first.text("text"))" == train[0])
        }
    }
}
