import Checkpoints
import Foundation
import Testing

@Suite("Heads, forms and starts of training")
struct TaskTests {
    /// What `permafrost eval` says of something that was trained.
    private func score(_ tiny: TinyModel, _ run: RunFiles, _ overrides: [String]) throws -> JSON {
        let outcome = try Program.run(
            ["eval", "recipe.yaml", "--adapter", run.folder.appendingPathComponent("adapter").path, "--format", "json"]
                + overrides, in: tiny.folder)
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        return try JSON(outcome.output).inner("score")
    }

    @Test("a classifier learns, is saved as PEFT saves it, and scores the same again")
    func classifier() throws {
        try TinyModel.use { tiny in
            let overrides = ["task.head=classifier", "task.labels=[negative, positive]", "training.epochs=4"]
            let run = try tiny.trainUndisturbed(overrides)
            let reached = try run.summary().inner("score")
            #expect(try reached.number("accuracy") > reached.number("majority") + 0.3)
            try expectSameScore(score(tiny, run, overrides), reached)

            let adapter = run.folder.appendingPathComponent("adapter")
            let file = try SafetensorsFile(adapter.appendingPathComponent("adapter_model.safetensors"))
            #expect(file.shapes["base_model.model.score.weight"] == [2, 32])
            let json = try Data(contentsOf: adapter.appendingPathComponent("adapter_config.json"))
            let configuration = try JSONSerialization.jsonObject(with: json) as? [String: Any]
            #expect(configuration?["modules_to_save"] as? [String] == ["score"])
            #expect(configuration?["task_type"] as? String == "SEQ_CLS")
        }
    }

    @Test("answers in words are learnt, and perplexity and exact match are told the same by train and eval")
    func answers() throws {
        try TinyModel.use { tiny in
            try tiny.writeQuestions(60)
            let overrides =
                TinyModel.questionOverrides + [
                    "training.epochs=10", "training.batch=4", "training.micro_batch=4", "model.frozen_blocks=1",
                    "devices.cuts=[1, 0]", "evaluation.generate_tokens=8",
                ]
            let run = try tiny.trainUndisturbed(overrides)
            let reached = try run.summary().inner("score"), before = try run.summary().inner("baseline")
            #expect(!reached.has("accuracy") && !reached.has("majority"))
            #expect(try abs(reached.number("perplexity") - exp(reached.number("loss"))) < 1e-9)
            #expect(try reached.number("perplexity") < before.number("perplexity") / 4)
            #expect(try before.number("exact_match") == 0)
            #expect(try reached.number("exact_match") >= 0.8)
            try expectSameScore(score(tiny, run, overrides), reached)
        }
    }

    @Test("full fine-tuning saves whole weights, which score the same again")
    func full() throws {
        try TinyModel.use { tiny in
            let overrides = ["training.trainable=full", "training.epochs=2"]
            let run = try tiny.trainUndisturbed(overrides)
            #expect(try Set(run.trained().keys) == ["trained.safetensors"])
            let reached = try run.summary().inner("score"), before = try run.summary().inner("baseline")
            #expect(try reached.number("loss") < before.number("loss"))
            try expectSameScore(score(tiny, run, overrides), reached)
        }
    }

    @Test("training goes on with an adapter from its score")
    func start() throws {
        try TinyModel.use { tiny in
            let first = try tiny.trainUndisturbed(["training.epochs=1"])
            let adapter = first.folder.appendingPathComponent("adapter").path
            let second = try tiny.trainUndisturbed(["training.epochs=1", "lora.dropout=0.1", "lora.start=\(adapter)"])
            try expectSameScore(second.summary().inner("baseline"), first.summary().inner("score"))
            #expect(try second.trained() != first.trained())
        }
    }
}

extension TinyModel {
    /// Settings of the recipe for questions with answers in words.
    static let questionOverrides = [
        "data.path=questions.jsonl", "data.format=jsonl", "task.head=lm", "task.prompt=\"{question}\"",
        "task.answer=\"{answer}\"", "task.labels=null", "task.maximum_tokens=96", "devices.partition=iid",
        "training.warmup_steps=0",
        "training.epochs=1", "evaluation.samples=1000",
    ]

    /// Writes questions with a word that decides the number of the answer.
    func writeQuestions(_ count: Int) throws {
        let words = ["bright", "clumsy"]
        let lines = (0..<count).map { number in
            #"{"question": "the plot \#(number) is \#(words[number % 2]) .", "answer": " #### \#(number % 2 + 3)"}"#
                + "\n"
        }
        try lines.joined().write(to: path("questions.jsonl"), atomically: true, encoding: .utf8)
    }
}
