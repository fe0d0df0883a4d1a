import Diagnostics
import Foundation
import Recipes
import Testing

/// A recipe of everything that is required; an edit of it is what most tests read.
let validRecipe = """
    name: test
    model:
        path: model.gguf
        frozen_blocks: 24
    data:
        path: data.txt
        format: rated-sentences
    task:
        labels: {negative: " terrible", positive: " great"}
    training:
        epochs: 2
        batch: 16
    devices:
        cuts: [24, 18, 12, 6]
    """

/// A recipe with one thing wrong, and what its error must say.
struct BadRecipe: Sendable, CustomTestStringConvertible {
    let replacing: String
    let with: String
    let code: ExitCode
    let place: String
    let mentions: [String]

    init(_ replacing: String, _ with: String, _ code: ExitCode, at place: String, _ mentions: String...) {
        (self.replacing, self.with, self.code, self.place, self.mentions) = (replacing, with, code, place, mentions)
    }

    var testDescription: String { with }
}

@Suite("Bad recipes")
struct RecipeErrorTests {
    @Test(
        "a bad recipe is refused with number, line and column, and the nearest key or the possible values",
        arguments: [
            // Keys.
            BadRecipe("epochs: 2", "epoch: 2", .recipeUnknownKey, at: "11:5", "'training.epoch'", "'training.epochs'"),
            BadRecipe("training:", "trainig:", .recipeUnknownKey, at: "10:1", "'trainig'", "'training'"),
            BadRecipe("name: test", "name: test\nrank: 4", .recipeUnknownKey, at: "2:1", "'rank'", "'lora.rank'"),
            BadRecipe("name: test", "name: test\nqqqqqqqqq: 4", .recipeUnknownKey, at: "2:1", "'qqqqqqqqq'"),
            BadRecipe("batch: 16", "data:\n        seed: 1", .recipeUnknownKey, at: "12:5", "'training.data'"),
            BadRecipe("name: test", "name: test\n<<: {seed: 1}", .recipeUnknownKey, at: "2:1", "'<<'"),
            BadRecipe("batch: 16", "epochs: 3", .recipeSyntax, at: "11:5", "'epochs'", "again"),
            BadRecipe("name: test", "name: test\nname: twice", .recipeSyntax, at: "1:1", "'name'", "again"),
            BadRecipe("name: test", "seed: 7", .recipeImpossibleValue, at: "", "'name' is missing"),
            BadRecipe("    path: model.gguf\n", "", .recipeImpossibleValue, at: "", "'model.path' is missing"),
            BadRecipe("name: test", "name: test\n? [a, b]\n: 1", .recipeSyntax, at: "2:3", "expected a key"),
            // Types.
            BadRecipe("batch: 16", "batch: many", .recipeWrongType, at: "12:12", "whole number", "'many'"),
            BadRecipe("batch: 16", "batch: \"16\"", .recipeWrongType, at: "12:12", "the quoted text \"16\""),
            BadRecipe("batch: 16", "batch: 16.0", .recipeWrongType, at: "12:12", "whole number"),
            BadRecipe("batch: 16", "batch: 016", .recipeWrongType, at: "12:12", "whole number"),
            BadRecipe("batch: 16", "batch: 0x10", .recipeWrongType, at: "12:12", "whole number"),
            BadRecipe("batch: 16", "batch:", .recipeWrongType, at: "12:", "found nothing"),
            BadRecipe("batch: 16", "batch: [16]", .recipeWrongType, at: "12:12", "the list [16]"),
            BadRecipe("batch: 16", "batch: {a: 1}", .recipeWrongType, at: "12:12", "the map {a: 1}"),
            BadRecipe("batch: 16", "learning_rate: fast", .recipeWrongType, at: "12:20", "a number from 0 to 10"),
            BadRecipe("batch: 16", "learning_rate: nan", .recipeWrongType, at: "12:20", "a number"),
            BadRecipe("[24, 18, 12, 6]", "24", .recipeWrongType, at: "14:11", "a list of"),
            BadRecipe("[24, 18, 12, 6]", "[24, deep]", .recipeWrongType, at: "14:16", "'deep'"),
            BadRecipe("name: test", "name: [a]", .recipeWrongType, at: "1:7", "a name"),
            BadRecipe("name: test", "name: test\nlora: 8", .recipeWrongType, at: "2:1", "a section of keys"),
            BadRecipe("name: test", "name: test\nevaluation: {baseline: 1}", .recipeWrongType, at: "2:24", "true"),
            BadRecipe("    cuts:", "    credit_bytes: 16MB\n    cuts:", .recipeWrongType, at: "14:19", "16MiB"),
            BadRecipe(
                "{negative: \" terrible\", positive: \" great\"}", "7", .recipeWrongType, at: "9:13", "a map"),
            // Values.
            BadRecipe("batch: 16", "batch: 0", .recipeImpossibleValue, at: "12:12", "from 1 to 16384", "found 0"),
            BadRecipe("epochs: 2", "epochs: -1", .recipeImpossibleValue, at: "11:13", "found -1"),
            BadRecipe("name: test", "name: t\nseed: -1", .recipeImpossibleValue, at: "2:7", "at least 0"),
            BadRecipe(
                "name: test", "name: t\nseed: 99999999999999999999", .recipeImpossibleValue, at: "2:7", "at least 0"),
            BadRecipe("batch: 16", "learning_rate: 0", .recipeImpossibleValue, at: "12:20", "but not 0"),
            BadRecipe("batch: 16", "learning_rate: 1e999", .recipeImpossibleValue, at: "12:20", "1e999"),
            BadRecipe("batch: 16", "method: spiltfrozen", .recipeImpossibleValue, at: "12:13", "'splitfrozen'"),
            BadRecipe("rated-sentences", "tvs", .recipeImpossibleValue, at: "7:13", "tsv, csv, jsonl", "'tsv'"),
            BadRecipe("name: test", "name: ../up", .recipeImpossibleValue, at: "1:7", "../up"),
            BadRecipe("model.gguf", "cache:../secret", .recipeImpossibleValue, at: "3:11", "cache folder"),
            BadRecipe("model.gguf", "m\n    sha256: abc", .recipeImpossibleValue, at: "4:13", "64 lowercase"),
            BadRecipe(
                "    labels:", "    prompt: It was\n    labels:", .recipeImpossibleValue, at: "9:13", "such as {text}"),
            BadRecipe(
                "    labels:", "    prompt: \"{text\"\n    labels:", .recipeImpossibleValue, at: "9:13", "doubled"),
            BadRecipe("\" great\"", "\" terrible\"", .recipeImpossibleValue, at: "9:47", "different label words"),
            BadRecipe(", positive: \" great\"", "", .recipeImpossibleValue, at: "9:13", "2 to 1000 labels"),
            BadRecipe("    cuts:", "    credit_bytes: 512\n    cuts:", .recipeImpossibleValue, at: "14:19", "1KiB"),
            BadRecipe(
                "    cuts:", "    credit_bytes: 16777217TiB\n    cuts:", .recipeImpossibleValue, at: "14:19", "1TiB"),
            BadRecipe(
                "    cuts:", "    partition: dirichlet(0)\n    cuts:", .recipeImpossibleValue, at: "14:16", "ALPHA"),
            BadRecipe(
                "    cuts:", "    partition: one-label-per-devise\n    cuts:", .recipeImpossibleValue, at: "14:16",
                "'one-label-per-device'"),
            BadRecipe("[24, 18, 12, 6]", "[]", .recipeImpossibleValue, at: "14:11", "1 to 1024"),
            BadRecipe(
                "name: test", "name: t\nlora: {targets: [q, k, q]}", .recipeImpossibleValue, at: "2:24", "different"),
            BadRecipe(
                "name: test", "name: t\nlora: {targets: [c_atn]}", .recipeImpossibleValue, at: "2:18", "'c_attn'"),
            BadRecipe("name: test", "name: t\nlora: {dropout: 1}", .recipeImpossibleValue, at: "2:17", "but not 1"),
            BadRecipe("name: test", "name: t\nlora: {blocks: 30-25}", .recipeImpossibleValue, at: "2:16", "25-30"),
            BadRecipe("name: test", "name: t\nlora: {blocks: 0-25}", .recipeImpossibleValue, at: "2:16", "25-30"),
            BadRecipe("name: test", "name: t\nlora: {blocks: last}", .recipeWrongType, at: "2:16", "FIRST-LAST"),
            BadRecipe("batch: 16", "checkpoints_kept: 0", .recipeImpossibleValue, at: "12:23", "from 1"),
            BadRecipe("batch: 16", "schedule: cosin", .recipeImpossibleValue, at: "12:15", "'cosine'"),
            BadRecipe("    labels:", "    head: ml\n    labels:", .recipeImpossibleValue, at: "9:11", "'lm'"),
            // Values that contradict each other.
            BadRecipe("[24, 18, 12, 6]", "[25, 18]", .recipeImpossibleValue, at: "14:11", "model.frozen_blocks, 24"),
            BadRecipe("batch: 16", "batch: 16\n    micro_batch: 17", .recipeImpossibleValue, at: "13:18", "at most"),
            BadRecipe("[24, 18, 12, 6]", "[6]\n    shares: [1, 2]", .recipeImpossibleValue, at: "15:13", "a list of 1"),
            BadRecipe(
                "[24, 18, 12, 6]", "[6]\n    partition: one-label-per-device", .recipeImpossibleValue, at: "15:16",
                "fewer than 2 labels"),
            BadRecipe(
                "epochs: 2", "warmup_steps: 11\ndata:\n    path: a", .recipeSyntax, at: "5:1", "'data'"),
            BadRecipe(
                "format: rated-sentences", "format: rated-sentences\n    train_limit: 64", .recipeImpossibleValue,
                at: "",
                "at most 8"),
            BadRecipe(
                "frozen_blocks: 24", "frozen_blocks: 24\n    prepared: true", .recipeImpossibleValue, at: "5:15",
                "false, as model.sha256 is null"),
            BadRecipe("negative:", "bad:", .recipeImpossibleValue, at: "9:13", "negative and positive"),
            BadRecipe(
                "{negative: \" terrible\", positive: \" great\"}", "[negative, positive]", .recipeImpossibleValue,
                at: "9:13", "label words", "task.head is verbalizer"),
            BadRecipe(
                "    labels: {negative: \" terrible\", positive: \" great\"}", "    too_long: refuse",
                .recipeImpossibleValue, at: "", "'task.labels'", "found null"),
            BadRecipe("    labels:", "    head: lm\n    labels:", .recipeImpossibleValue, at: "10:13", "null, as"),
            BadRecipe(
                "    labels: {negative: \" terrible\", positive: \" great\"}", "    head: lm", .recipeImpossibleValue,
                at: "", "'task.answer'", "{answer}"),
            BadRecipe(
                "    labels:", "    answer: \"{text}\"\n    labels:", .recipeImpossibleValue, at: "9:13", "is not lm"),
            BadRecipe("    labels:", "    chat: true\n    labels:", .recipeImpossibleValue, at: "9:11", "is not lm"),
            BadRecipe(
                "name: test", "name: t\nevaluation: {generate_tokens: 5}", .recipeImpossibleValue, at: "2:31",
                "is not lm"),
            BadRecipe(
                "name: test", "name: t\nlora: {blocks: 24-30}", .recipeImpossibleValue, at: "2:16",
                "above model.frozen_blocks, 24"),
            BadRecipe(
                "batch: 16", "trainable: full\nlora: {blocks: 25-30}", .recipeImpossibleValue, at: "13:16",
                "training.trainable is full"),
            BadRecipe("batch: 16", "momentum: 0.9", .recipeImpossibleValue, at: "12:15", "not sgd"),
            BadRecipe(
                "format: rated-sentences", "format: rated-sentences\n    columns: [a, b]", .recipeImpossibleValue,
                at: "8:14", "data.format"),
            BadRecipe(
                "format: rated-sentences", "format: rated-sentences\n    test_path: t.txt", .recipeImpossibleValue,
                at: "", "'data.test_fraction' must be 0", "found 0.2"),
            BadRecipe(
                "path: data.txt", "path: a\n    test_sha256: \(String(repeating: "0", count: 64))",
                .recipeImpossibleValue, at: "7:18", "data.test_path is null"),
            BadRecipe(
                "format: rated-sentences", "format: tsv\n    minimum_absolute_rating: 0.5", .recipeImpossibleValue,
                at: "8:30", "no ratings"),
            BadRecipe(
                "format: rated-sentences", "format: rated-sentences\n    test_fraction: 0", .recipeImpossibleValue,
                at: "", "data.test_fraction is 0"),
            BadRecipe(
                "    cuts:", "    credit_bytes: 8GiB\n    cuts:", .recipeImpossibleValue, at: "14:19",
                "store.capacity_bytes"),
            BadRecipe(
                "devices:", "pipeline: {placement: workers}\ndevices:", .recipeImpossibleValue, at: "13:23",
                "pipeline.stages is 1"),
            // Methods side by side.
            BadRecipe(
                "name: test", "name: t\ncompare: {methods: [fedlora, fedlor]}", .recipeImpossibleValue, at: "2:30",
                "'fedlora'"),
            BadRecipe(
                "name: test", "name: t\ncompare: {methods: [zo, zo]}", .recipeImpossibleValue, at: "2:25", "different"),
            BadRecipe("name: test", "name: t\ncompare: {seeds: []}", .recipeImpossibleValue, at: "2:18", "1 to 100"),
            BadRecipe(
                "name: test", "name: t\ncompare: {imbalances: [dirichlet]}", .recipeImpossibleValue, at: "2:24",
                "dirichlet(ALPHA)"),
            BadRecipe("name: test", "name: t\ncompare: {sweep: [0]}", .recipeImpossibleValue, at: "2:19", "but not 0"),
            BadRecipe("name: test", "name: t\ncompare: {sweep: 1e-3}", .recipeWrongType, at: "2:18", "a list"),
            BadRecipe(
                "name: test", "name: t\ncompare: {learning_rates: {hsol: 1e-3}}", .recipeImpossibleValue, at: "2:28",
                "'hosl'"),
            BadRecipe(
                "name: test", "name: t\ncompare: {learning_rates: 1e-3}", .recipeWrongType, at: "2:27", "a map such"),
            BadRecipe("name: test", "name: t\ncompare: {token_budget: 0}", .recipeImpossibleValue, at: "2:25", "null"),
            BadRecipe(
                "name: test", "name: t\ncompare: {cuts: {phone: 25}}", .recipeImpossibleValue, at: "2:17",
                "model.frozen_blocks, 24"),
            BadRecipe("name: test", "name: t\ncompare: {cut: 3}", .recipeUnknownKey, at: "2:11", "'compare.cuts'"),
            BadRecipe(
                "name: test", "name: t\nevaluation: {samples: 0}\ncompare: {fleet: f.yaml}", .recipeImpossibleValue,
                at: "2:23", "compare.fleet is given"),
            // Not YAML at all.
            BadRecipe("[24, 18, 12, 6]", "[24, 18", .recipeSyntax, at: "15:1"),
            BadRecipe("name: test", "name: \"test", .recipeSyntax, at: ""),
            BadRecipe("name: test", "name: *none", .recipeSyntax, at: "1:7", "alias"),
            BadRecipe("name: test", "name: te\u{7}st", .recipeSyntax, at: "1:1", "control"),
            BadRecipe("name: test", "name: test\n---\n", .recipeSyntax, at: "2:1", "document"),
        ])
    func refused(bad: BadRecipe) throws {
        let yaml = validRecipe.replacing(bad.replacing, with: bad.with, maxReplacements: 1)
        #expect(yaml != validRecipe)
        let error = #expect(throws: RecipeError.self) { try Recipe.parse(yaml: yaml, file: "r.yaml") }
        let text = try #require(error).description
        #expect(error?.exitCode == bad.code, "\(text)")
        #expect(text.hasPrefix(bad.place.isEmpty ? "r.yaml:" : "r.yaml:\(bad.place)"), "\(text)")
        for mention in bad.mentions { #expect(text.contains(mention), "\(text)") }
    }

    @Test("an empty recipe, a list and a scalar are refused", arguments: ["", "# nothing\n", "~", "[1]", "text"])
    func notAMap(yaml: String) {
        let error = #expect(throws: RecipeError.self) { try Recipe.parse(yaml: yaml, file: "r.yaml") }
        #expect(error?.exitCode == .recipeSyntax)
    }

    @Test("deep nesting is refused, never a crash", arguments: ["[", "{a: ", "- "])
    func deep(opening: String) {
        let yaml = String(repeating: opening, count: 100_000)
        #expect(throws: RecipeError.self) { try Recipe.parse(yaml: yaml, file: "r.yaml") }
    }

    @Test("a missing file, a folder, a huge file and a file of bytes are refused by name")
    func unreadable() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let huge = folder.appendingPathComponent("huge.yaml"), bytes = folder.appendingPathComponent("bytes.yaml")
        try Data(repeating: 0x20, count: 2 << 20).write(to: huge)
        try Data([0x61, 0x3A, 0xFF]).write(to: bytes)
        let cases: [(String, ExitCode)] = [
            (folder.path + "/none.yaml", .recipeUnreadable), (folder.path, .recipeUnreadable),
            (huge.path, .recipeUnreadable), (bytes.path, .recipeSyntax),
        ]
        for (path, code) in cases {
            let error = #expect(throws: RecipeError.self) { try Recipe.load(file: path) }
            #expect(error?.exitCode == code)
            #expect(error?.problem.contains(path) == true)
        }
    }
}
