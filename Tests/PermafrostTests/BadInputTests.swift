import Diagnostics
import Foundation
import Testing

/// Something wrong with a command, a recipe or a file, and what the program must say.
struct BadInput: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let arguments: [String]
    let code: ExitCode
    let mentions: [String]
    let prepare: @Sendable (TinyModel) throws -> Void

    /// - Parameters:
    ///   - arguments: behind `train recipe.yaml`, unless they begin with a command.
    ///   - prepare: makes the bad files.
    init(
        _ description: String, _ arguments: String..., code: ExitCode, mentions: [String],
        prepare: @escaping @Sendable (TinyModel) throws -> Void = { _ in }
    ) {
        testDescription = description
        let isCommand = ["eval", "data", "validate", "train"].contains(arguments.first)
        self.arguments = isCommand ? arguments : ["train", "recipe.yaml"] + arguments
        self.code = code
        self.mentions = mentions
        self.prepare = prepare
    }
}

@Suite("Bad input")
struct BadInputTests {
    @Test(
        "bad input ends with its number, the place and a remedy, in text and in JSON",
        arguments: recipes + models + data + runs + adapters)
    func refused(_ input: BadInput) throws {
        try TinyModel.use { tiny in
            try input.prepare(tiny)
            let plain = try Program.run(input.arguments, in: tiny.folder)
            #expect(!plain.wasKilled)
            #expect(plain.exitCode == input.code.rawValue, "\(plain.errors)")
            let lines = plain.errors.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(plain.errors.hasPrefix("error \(input.code.rawValue): "))
            #expect(lines.last?.hasPrefix("  → ") == true)
            for text in input.mentions { #expect(plain.errors.contains(text), "\(plain.errors)") }

            let json = try Program.run(input.arguments + ["--format", "json"], in: tiny.folder)
            #expect(json.exitCode == input.code.rawValue)
            let error = try JSON(json.output).inner("error")
            #expect(try error.number("code") == Double(input.code.rawValue))
            let told = try error.text("problem") + error.text("remedy")
            for text in input.mentions { #expect(told.contains(text), "\(told)") }
        }
    }

    @Test(
        "a command line that cannot be understood exits with 2 and shows the usage",
        arguments: [
            ["trian"], ["train"], ["train", "recipe.yaml", "--forma", "json"],
            ["eval", "recipe.yaml", "--format", "xml"],
            ["validate"], ["data", "recipe.yaml", "--limit", "-1"], ["data", "recipe.yaml", "--split", "dev"],
        ])
    func usage(_ arguments: [String]) throws {
        try TinyModel.use { tiny in
            let outcome = try Program.run(arguments, in: tiny.folder)
            #expect(outcome.exitCode == ExitCode.usage.rawValue && !outcome.wasKilled)
            #expect(outcome.output.isEmpty)
            #expect(outcome.errors.hasPrefix("Error: ") && outcome.errors.contains("Usage: permafrost"))
        }
    }
}

private let recipes = [
    BadInput("no recipe", "train", "nowhere.yaml", code: .recipeUnreadable, mentions: ["nowhere.yaml"]),
    BadInput("broken YAML", code: .recipeSyntax, mentions: ["recipe.yaml:4:1"]) { tiny in
        try "name: tiny\nseed: 7\nmodel: [1\n".write(to: tiny.path("recipe.yaml"), atomically: true, encoding: .utf8)
    },
    BadInput("unknown key", code: .recipeUnknownKey, mentions: ["recipe.yaml:", "trainig", "'training'"]) { tiny in
        try tiny.edit("recipe.yaml") { $0.replacing("training:", with: "trainig:") }
    },
    BadInput(
        "unknown key of an override", "training.epoch=3", code: .recipeUnknownKey,
        mentions: ["override 'training.epoch=3'", "'training.epochs'"]),
    BadInput(
        "a word for a number", "training.epochs=many", code: .recipeWrongType,
        mentions: ["'training.epochs'", "whole number", "'many'"]),
    BadInput(
        "a number out of range", "data.test_fraction=1.5", code: .recipeImpossibleValue,
        mentions: ["'data.test_fraction'", "from 0 to 1", "1.5"]),
    BadInput(
        "a cut above the frozen blocks", "devices.cuts=[4,0]", code: .recipeImpossibleValue,
        mentions: ["'devices.cuts'", "model.frozen_blocks, 3"]),
    BadInput(
        "no block left to train", "model.frozen_blocks=4", code: .recipeImpossibleValue,
        mentions: ["model.frozen_blocks is 4", "4 blocks", "at most 3"]),
    BadInput(
        "a prompt limit beyond the model", "task.maximum_tokens=257", code: .recipeImpossibleValue,
        mentions: ["task.maximum_tokens", "256"]),
    BadInput(
        "a bad recipe for validate", "validate", "recipe.yaml", "seed=-1", code: .recipeImpossibleValue,
        mentions: ["'seed'"]),
]

private let models = [
    BadInput("no model", "model.path=gone.gguf", code: .modelUnreadable, mentions: ["gone.gguf", "model.path"]),
    BadInput("a truncated model", code: .modelTruncated, mentions: ["tiny.gguf", "lacks", "bytes"]) { tiny in
        try tiny.editBytes("tiny.gguf") { $0.removeLast(1000) }
    },
    BadInput("another kind of file", code: .modelMalformed, mentions: ["tiny.gguf", "GGUF"]) { tiny in
        try tiny.editBytes("tiny.gguf") { $0[0] ^= 0xFF }
    },
    BadInput("a tensor of an unknown format", code: .modelUnsupported, mentions: ["token_embd.weight", "251"]) { tiny in
        // The format's number stands behind the name, the number of dimensions, and two dimensions.
        try tiny.editBytes("tiny.gguf") { bytes in
            guard let name = bytes.firstRange(of: Data("token_embd.weight".utf8)) else { return }
            bytes[name.upperBound + 4 + 16] = 251
        }
    },
    BadInput("a tensor beyond the file", code: .modelTruncated, mentions: ["tiny.gguf", "token_embd.weight"]) { tiny in
        try tiny.editBytes("tiny.gguf") { bytes in
            guard let name = bytes.firstRange(of: Data("token_embd.weight".utf8)) else { return }
            bytes[name.upperBound + 4 + 8 + 3] = 1
        }
    },
    BadInput("weights that are no numbers", code: .diverged, mentions: ["step 1", "learning_rate"]) { tiny in
        try tiny.editBytes("tiny.gguf") { $0.writeNaN() }
    },
    BadInput(
        "weights that are no numbers, without devices", "training.method=central", code: .diverged,
        mentions: ["step 1", "learning_rate"]
    ) { tiny in try tiny.editBytes("tiny.gguf") { $0.writeNaN() } },
    BadInput(
        "another model than the recipe's", "model.sha256=\(String(repeating: "0", count: 64))",
        code: .checksumMismatch, mentions: ["tiny.gguf", "SHA-256", "0000"]),
    BadInput(
        "a label word of several tokens", "task.labels={negative: \" terrible\", positive: \" wonderful\"}",
        code: .labelWordNotOneToken, mentions: ["' wonderful'", "tokens"]),
]

private let data = [
    BadInput("no data", "data.path=gone.txt", code: .dataUnreadable, mentions: ["gone.txt", "data.path"]),
    BadInput("a folder for data", "data.path=.", code: .dataUnreadable, mentions: ["data.path"]),
    BadInput(
        "other data than the recipe's", "data.sha256=\(String(repeating: "0", count: 64))", code: .checksumMismatch,
        mentions: ["sentences.txt", "SHA-256", "0000"]),
    BadInput("a line without its fields", code: .dataMalformedLine, mentions: ["sentences.txt, line 2"]) { tiny in
        try "1\t0.5\tgood\n2\t0.5\n".write(to: tiny.path("sentences.txt"), atomically: true, encoding: .utf8)
    },
    BadInput("a rating that is no number", code: .dataMalformedLine, mentions: ["line 1", "rating", "nan"]) { tiny in
        try "1\tnan\tgood\n".write(to: tiny.path("sentences.txt"), atomically: true, encoding: .utf8)
    },
    BadInput("a line that is not UTF-8", code: .dataMalformedLine, mentions: ["line 3", "UTF-8"]) { tiny in
        try tiny.editBytes("sentences.txt") { bytes in
            let thirdLine = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }[1] + 1
            bytes.insert(contentsOf: [0xC3, 0x28], at: thirdLine)
        }
    },
    BadInput(
        "an unknown label", "data.format=tsv", "data.columns=[label, text]", "data.path=labels.tsv",
        code: .dataUnknownLabel,
        mentions: ["labels.tsv, line 2", "'positiv'", "'positive'"]
    ) { tiny in
        try "negative\tdull\npositiv\twarm\n".write(to: tiny.path("labels.tsv"), atomically: true, encoding: .utf8)
    },
    BadInput(
        "a field that the data does not have", "task.prompt=\"{txt}\"", code: .dataMalformedLine,
        mentions: ["sentences.txt, line", "'txt'", "'text'"]),
    BadInput(
        "a sentence longer than the limit", "task.maximum_tokens=5", code: .dataTooLong,
        mentions: ["sentences.txt, line", "limit of 5"]),
    BadInput(
        "fewer sentences than devices", "data.train_limit=3", code: .dataTooFew,
        mentions: ["4 devices", "there are 3"]),
    BadInput(
        "bad data for the command data", "data", "recipe.yaml", "data.path=gone.txt", code: .dataUnreadable,
        mentions: ["gone.txt"]),
]

private let runs = [
    BadInput(
        "a file where the runs should be", "runs=taken", code: .runFolderUnwritable,
        mentions: ["run folder taken", "File exists"]
    ) {
        try "".write(to: $0.path("taken"), atomically: true, encoding: .utf8)
    },
    BadInput(
        "a store too small for the sentences", longPrompt, "store.capacity_bytes=1MiB", code: .storeFull,
        mentions: ["worker-1", "store.capacity_bytes"]),
]

/// A prompt with which every sentence has over a hundred tokens.
private let longPrompt = "task.prompt=\(String(repeating: "the film has a plot ", count: 20)){text} It was"

private let adapters = [
    BadInput(
        "no adapter", "eval", "recipe.yaml", "--adapter", "gone", code: .adapterMalformed,
        mentions: ["gone", "adapter_config.json"]),
    BadInput(
        "a configuration that is not JSON", "eval", "recipe.yaml", "--adapter", "adapter", code: .adapterMalformed,
        mentions: ["adapter_config.json"]
    ) { tiny in
        try tiny.makeAdapter()
        try tiny.editBytes("adapter/adapter_config.json") { $0.removeLast(10) }
    },
    BadInput(
        "truncated tensors", "eval", "recipe.yaml", "--adapter", "adapter", code: .modelTruncated,
        mentions: ["adapter_model.safetensors"]
    ) { tiny in
        try tiny.makeAdapter()
        try tiny.editBytes("adapter/adapter_model.safetensors") { $0.removeLast(100) }
    },
    BadInput(
        "an adapter of another rank", "eval", "recipe.yaml", "--adapter", "adapter", code: .adapterMalformed,
        mentions: ["adapter", "shape"]
    ) { tiny in
        try tiny.makeAdapter()
        try tiny.edit("adapter/adapter_config.json") { $0.replacing("\"r\" : 2", with: "\"r\" : 3") }
    },
    BadInput(
        "an adapter of a deeper model", "eval", "recipe.yaml", "--adapter", "adapter", code: .adapterMismatch,
        mentions: ["adapter", "block 9 of 4"]
    ) { tiny in
        try tiny.makeAdapter()
        try tiny.edit("adapter/adapter_config.json") { $0.replacing(#/\[\s*3\s*\]/#, with: "[9]") }
        // Names of the same length leave the header's length as it is.
        try tiny.editBytes("adapter/adapter_model.safetensors") { bytes in
            while let place = bytes.firstRange(of: Data("layers.3.".utf8)) {
                bytes.replaceSubrange(place, with: Data("layers.9.".utf8))
            }
        }
    },
]

extension TinyModel {
    /// Changes a text file.
    func edit(_ name: String, _ change: (String) -> String) throws {
        let text = try String(contentsOf: path(name), encoding: .utf8)
        let changed = change(text)
        try #require(changed != text)
        try changed.write(to: path(name), atomically: true, encoding: .utf8)
    }

    /// Changes a file's bytes.
    func editBytes(_ name: String, _ change: (inout Data) -> Void) throws {
        let bytes = try Data(contentsOf: path(name))
        var changed = bytes
        change(&changed)
        try #require(changed != bytes)
        try changed.write(to: path(name))
    }

    /// Trains a small adapter into the folder `adapter`.
    func makeAdapter() throws {
        let training = try train("training.epochs=1", "training.warmup_steps=0", "evaluation.samples=0", "lora.rank=2")
        try FileManager.default.moveItem(at: training.adapter, to: path("adapter"))
    }
}

extension Data {
    /// Makes a scale of the last tensor, 32 rows of two blocks in the format Q8_0, a half-precision NaN.
    fileprivate mutating func writeNaN() {
        let scale = endIndex - 32 * 2 * 34
        replaceSubrange(scale..<scale + 2, with: [0x00, 0x7E])
    }
}
