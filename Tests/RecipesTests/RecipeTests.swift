import Diagnostics
import Foundation
import Recipes
import Testing

private let recipeFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("recipes")

@Suite("Recipes")
struct RecipeTests {
    private func parsed(_ overrides: String...) throws -> Recipe {
        try Recipe.parse(yaml: validRecipe, file: "r.yaml", overrides: overrides)
    }

    @Test(
        "the recipes of movie sentences train what their figures were measured with",
        arguments: ["movies-quick", "movies"])
    func movies(name: String) throws {
        let recipe = try Recipe.load(file: recipeFolder.appendingPathComponent("\(name).yaml").path)
        #expect(recipe.name == name)
        #expect(recipe.devices.partition == .oneLabelPerDevice)
        #expect(recipe.devices.cuts == [24, 18, 12, 6])
        #expect(recipe.data.trainLimit == (name == "movies" ? nil : 3000))
        #expect(recipe.data.minimumAbsoluteRating == 0)
        #expect(recipe.task.labels.map(\.word) == [" terrible", " great"])
        #expect(recipe.training.epochs == 2)
        #expect(recipe.evaluation.samples >= 1000)
    }

    @Test("keys that are not given have their defaults")
    func defaults() throws {
        let recipe = try parsed()
        #expect(recipe.seed == 7)
        #expect(recipe.training.learningRate == 1e-3)
        #expect(recipe.devices.creditBytes == 16 << 20)
        #expect(recipe.store.capacityBytes == 4 << 30)
        #expect(recipe.lora.targets == nil)
        #expect(recipe.lora.blocks == nil)
        #expect(recipe.task.head == .verbalizer)
        #expect(recipe.training.trainable == .lora)
        #expect(recipe.training.clipNorm == 1)
        #expect(recipe.data.label == "label")
        #expect(recipe.evaluation.answerMarker == "####")
        #expect(recipe.model.sha256 == nil)
    }

    @Test("reading a resolved recipe gives the same recipe, with every key and nothing else")
    func roundTrip() throws {
        let recipe = try parsed(
            "seed=18446744073709551615", "model.sha256=\(String(repeating: "0f", count: 32))",
            "task.labels={negative: \" no: \\\"#1\\\"\", positive: \"\u{E9}\\n\\t\\x07\u{1F600}\"}",
            "task.prompt=\"# {text}: 'yes'\\n---\"", "lora.targets=[v, c_proj]", "lora.alpha=0.1",
            "lora.blocks=25-30", "lora.dropout=0.1", "lora.rslora=true", "data.group=rating", "data.label=label",
            "data.test_path=cache:t.tsv", "data.test_sha256=\(String(repeating: "1e", count: 32))",
            "training.clip_norm=null", "training.optimizer=sgd", "training.momentum=0.9", "training.schedule=cosine",
            "training.checkpoint_steps=0", "training.checkpoints_kept=1", "evaluation.answer_marker=\"answer: \"",
            "training.epsilon=1e-12", "devices.shares=[1, 2.5, 0.3, 1e-3]",
            "devices.partition=dirichlet(0.25)", "devices.credit_bytes=100001", "store.capacity_bytes=3GiB",
            "devices.codec=bf16", "evaluation.baseline=false", "data.train_limit=300", "runs=\"null\"",
            "compare.methods=[zo, fedlora-fair]", "compare.imbalances=[dirichlet(0.1)]", "compare.seeds=[9]",
            "compare.fleet=cache:f.yaml", "compare.token_budget=1000", "compare.sweep=[]",
            "compare.learning_rates={zo: 1e-5, hosl: 0.002}", "compare.cuts={phone: 3, board: 0}")
        let yaml = try recipe.resolvedYAML()
        #expect(try Recipe.parse(yaml: yaml, file: "resolved") == recipe, "\(yaml)")
        for key in Recipe.keys {
            let name = key.key.split(separator: ".").last.map(String.init) ?? ""
            #expect(yaml.contains("\(name): "), "\(key.key) is missing in \(yaml)")
        }
        #expect(yaml.contains("epsilon: 1.0e-12\n"), "YAML 1.1 readers need the fraction")
        #expect(!yaml.contains("!!"))
    }

    @Test("every recipe that comes with Permafrost is valid, has its file's name and round-trips")
    func shipped() throws {
        let files = try FileManager.default.contentsOfDirectory(at: recipeFolder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "yaml" }
        let names = files.map { $0.deletingPathExtension().lastPathComponent }
        #expect(Set(names).isSuperset(of: ["movies", "movies-quick", "socialiqa", "quartz", "word-problems"]))
        for (file, name) in zip(files, names) {
            let recipe = try Recipe.load(file: file.path)
            #expect(recipe.name == name)
            #expect(recipe.data.sha256 != nil && recipe.model.sha256 != nil)
            #expect(try Recipe.parse(yaml: recipe.resolvedYAML(), file: "resolved") == recipe)
        }
    }

    @Test(
        "the overrides in a recipe's header are possible",
        arguments: [
            ("movies", ["data.minimum_absolute_rating=0.5"]),
            ("word-problems", ["data.test_path=cache:gsm8k-100.jsonl"]),
            (
                "word-problems",
                ["data.test_path=cache:gsm8k-100.jsonl", "data.group=null", "data.test_fraction=0"]
            ),
        ])
    func headerOverrides(name: String, overrides: [String]) throws {
        let file = recipeFolder.appendingPathComponent("\(name).yaml").path
        #expect(throws: Never.self) { try Recipe.load(file: file, overrides: overrides) }
        let header = try String(contentsOfFile: file, encoding: .utf8)
        #expect(header.contains(overrides.joined(separator: " ")))
    }

    @Test("a recipe of an answer in words needs no labels and names blocks as it names frozen ones")
    func languageModel() throws {
        let recipe = try Recipe.parse(
            yaml: """
                name: words
                model: {path: folder, frozen_blocks: 4}
                data: {path: a.csv, format: csv, columns: [question, answer], group: question}
                task: {head: lm, prompt: "{question}", answer: " {answer}", chat: true}
                lora: {blocks: 5-6, targets: [c_attn]}
                training: {trainable: lora, schedule: cosine}
                devices: {cuts: [4, 2]}
                evaluation: {generate_tokens: 64}
                """, file: "r.yaml")
        #expect(recipe.task.labels.isEmpty)
        #expect(recipe.lora.blocks == 5...6)
        #expect(recipe.data.columns == ["question", "answer"])
        #expect(try Recipe.parse(yaml: recipe.resolvedYAML(), file: "resolved") == recipe)
    }

    @Test("labels of a classifier are a list or a map")
    func classifierLabels() throws {
        for labels in ["[negative, positive]", "{negative: a, positive: b}"] {
            let recipe = try parsed("task.head=classifier", "task.labels=\(labels)")
            #expect(recipe.task.labels.map(\.name) == ["negative", "positive"])
            #expect(try Recipe.parse(yaml: recipe.resolvedYAML(), file: "resolved") == recipe)
        }
    }

    @Test("overrides replace what the file says, and the last of a key counts")
    func overrides() throws {
        let recipe = try parsed(
            "training.epochs=3", "devices.cuts=[6,6]", "training.epochs=5", "devices.partition=one-label-per-device",
            "name=other", "task.labels={positive: yes, negative: no}", "data.path=a=b.txt", "data.train_limit=null")
        #expect(recipe.training.epochs == 5)
        #expect(recipe.devices.cuts == [6, 6])
        #expect(recipe.devices.partition == .oneLabelPerDevice)
        #expect(recipe.name == "other")
        #expect(recipe.task.labels.map(\.name) == ["positive", "negative"])
        #expect(recipe.task.labels.map(\.word) == ["yes", "no"])
        #expect(recipe.data.path == "a=b.txt")
        #expect(recipe.data.trainLimit == nil)
    }

    @Test(
        "a bad override is refused with the override itself as place",
        arguments: [
            ("training.epoch=3", ExitCode.recipeUnknownKey, "'training.epochs' was meant"),
            ("trainig.epochs=3", .recipeUnknownKey, "'training.epochs' was meant"),
            ("epochs=3", .recipeUnknownKey, "'training.epochs' was meant"),
            ("training={epochs: 3}", .recipeUnknownKey, "'training'"),
            ("training.epochs", .recipeSyntax, "KEY=VALUE"),
            ("=3", .recipeSyntax, "KEY=VALUE"),
            ("", .recipeSyntax, "KEY=VALUE"),
            ("training.epochs=", .recipeWrongType, "found nothing"),
            ("training.epochs=three", .recipeWrongType, "whole number"),
            ("training.epochs=0", .recipeImpossibleValue, "from 1 to 10000"),
            ("devices.cuts=[6,", .recipeSyntax, "node content"),
            ("store.capacity_bytes=16777217TiB", .recipeImpossibleValue, "found 16777217TiB"),
            ("devices.cuts=[6,30]", .recipeImpossibleValue, "model.frozen_blocks, 24"),
            ("task.prompt={text} It was", .recipeSyntax, "quotes"),
            ("task.labels={a: b, a: c}", .recipeSyntax, "'a'"),
        ])
    func badOverride(override: String, code: ExitCode, mention: String) throws {
        let error = #expect(throws: RecipeError.self) { try parsed(override) }
        let text = try #require(error).description
        #expect(error?.exitCode == code, "\(text)")
        #expect(text.hasPrefix("override '\(override)': "), "\(text)")
        #expect(text.contains(mention), "\(text)")
    }

    @Test("an override mends what is wrong in the file, and a wrong override is not hidden by the file")
    func precedence() throws {
        let broken = validRecipe.replacing("epochs: 2", with: "epochs: 0")
        #expect(throws: RecipeError.self) { try Recipe.parse(yaml: broken, file: "r.yaml") }
        #expect(try Recipe.parse(yaml: broken, file: "r.yaml", overrides: ["training.epochs=1"]).training.epochs == 1)
    }

    @Test(
        "sizes are written in binary units or plain bytes",
        arguments: [
            ("65536", 65_536), ("64KiB", 65_536), ("1MiB", 1 << 20), ("2GiB", 2 << 30), ("1048577", 1_048_577),
        ])
    func sizes(text: String, bytes: Int) throws {
        #expect(try parsed("devices.credit_bytes=\(text)").devices.creditBytes == bytes)
    }

    @Test("words that YAML 1.1 takes for truth values or numbers are text where text is expected")
    func wordsThatLookOtherwise() throws {
        let recipe = try parsed("data.format=tsv", "task.labels={yes: 1, no: 0}", "name=7", "runs=off")
        #expect(recipe.task.labels.map(\.name) == ["yes", "no"])
        #expect(recipe.task.labels.map(\.word) == ["1", "0"])
        #expect(recipe.name == "7")
        #expect(recipe.runs == "off")
    }

    @Test("every key has its values, its meaning and, unless it is required, its default in the help")
    func help() throws {
        let keys = Recipe.keys
        #expect(Set(keys.map(\.key)).count == keys.count)
        #expect(keys.allSatisfy { !$0.expected.isEmpty && !$0.help.isEmpty })
        #expect(
            keys.filter { $0.defaultValue == nil }.map(\.key) == [
                "name", "model.path", "model.frozen_blocks", "data.path", "data.format",
            ])
        #expect(keys.first { $0.key == "devices.cuts" }?.defaultValue == "[24, 18, 12, 6]")
        #expect(keys.first { $0.key == "devices.credit_bytes" }?.defaultValue == "16MiB")
    }

    @Test("every default is a possible value of its key")
    func defaultsArePossible() throws {
        // Only a head without label words can do without labels.
        let keys = Recipe.keys.filter { $0.key != "task.labels" }
        let overrides = keys.compactMap { key in key.defaultValue.map { "\(key.key)=\($0)" } }
        let recipe = try Recipe.parse(yaml: validRecipe, file: "r.yaml", overrides: overrides)
        #expect(recipe.training.epochs == 1)
        #expect(recipe.task.prompt == "{text} It was")
    }

    @Test("cache: paths are in the cache folder, which the environment can move")
    func cache() {
        let home = CacheFolder(environment: ["HOME": "/home/ann"])
        #expect(home.resolve("cache:m.gguf") == "/home/ann/.cache/permafrost/m.gguf")
        #expect(home.resolve("data/cache:m") == "data/cache:m")
        #expect(home.resolve("/abs/m.gguf") == "/abs/m.gguf")
        #expect(CacheFolder(environment: ["PERMAFROST_CACHE": "", "HOME": "/h"]).path == "/h/.cache/permafrost")
        let moved = CacheFolder(environment: ["PERMAFROST_CACHE": "/big/", "HOME": "/home/ann"])
        #expect(moved.resolve("cache:a/m.gguf") == "/big/a/m.gguf")
    }
}
