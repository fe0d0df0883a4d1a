import Checkpoints
import Foundation
import Support
import Testing

@Suite("Llama models in GGUF files")
struct GGUFModelTests {
    let model: GGUFModel
    let reference: SafetensorsFile

    init() throws {
        model = try GGUFModel(fixture("gguf/llama.gguf"))
        reference = try SafetensorsFile(fixture("gguf/llama.safetensors"))
    }

    @Test("every tensor has its hub name, hub shape and hub row order")
    func tensors() throws {
        #expect(reference.shapes.count == 21)
        for (name, shape) in reference.shapes {
            #expect(model.shape(of: name) == shape, "\(name)")
            let found = try floats(shape: shape) { try model.read(name, into: $0) }
            let expected = try reference.values(name)
            #expect(found == expected, "\(name)")
        }
        #expect(model.shape(of: "model.layers.2.mlp.up_proj.weight") == nil)
    }

    @Test("single rows are those of the whole tensor, in the order asked, also where the file permutes rows")
    func rows() throws {
        for name in ["model.embed_tokens.weight", "model.layers.1.self_attn.k_proj.weight"] {
            let expected = try reference.values(name)
            for rows in [[31, 0, 7, 7, 30], [4, 5, 6, 6, 7, 8], Array(0..<32)] {
                let found = try floats(rows: rows.count, columns: 64) { try model.readRows(rows, of: name, into: $0) }
                #expect(found == rows.flatMap { expected[64 * $0..<64 * ($0 + 1)] })
            }
        }
    }

    @Test("rows of a file that somebody has cut short are refused")
    func cutShort() throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.gguf")
            try FileManager.default.copyItem(at: fixture("gguf/llama.gguf"), to: url)
            let model = try GGUFModel(url)
            truncate(url.path, 100)
            #expect(throws: FileError.unreadable(file: url.path, reason: "it has become shorter than it was")) {
                try floats(rows: 1, columns: 64) { try model.readRows([3], of: "model.embed_tokens.weight", into: $0) }
            }
        }
    }

    @Test("pages given back are read again")
    func releasedPages() throws {
        let expected = try reference.values("model.norm.weight")
        model.releasePages()
        let found = try floats(shape: [64]) { try model.read("model.norm.weight", into: $0) }
        #expect(found == expected)
    }

    @Test("the sizes and constants are read")
    func hyperparameters() throws {
        let expected = try Hyperparameters(
            family: .llama, layers: 2, width: 64, feedForwardWidth: 96, heads: 4, keyValueHeads: 2, headDimension: 16,
            vocabularySize: 40, contextLength: 128, positions: .rotary(base: 5000, factors: nil),
            normalisation: .rootMeanSquare, normEpsilon: 1e-5, activation: .swiglu, hasBiases: false,
            tiedEmbeddings: false)
        #expect(model.hyperparameters == expected)
    }

    @Test("a matrix of another shape, an unknown tensor and a row outside are refused")
    func misuse() throws {
        let path = fixture("gguf/llama.gguf").path
        let name = "model.embed_tokens.weight"
        #expect(throws: GGUFError.wrongShape(file: path, tensor: name, found: [40, 64], expected: [64, 40])) {
            try floats(rows: 64, columns: 40) { try model.read(name, into: $0) }
        }
        #expect(throws: GGUFError.wrongShape(file: path, tensor: name, found: [2, 64], expected: [1, 64])) {
            try floats(rows: 1, columns: 64) { try model.readRows([1, 2], of: name, into: $0) }
        }
        #expect(throws: GGUFError.missingTensor(file: path, tensor: "x")) {
            try floats(rows: 1, columns: 1) { try model.read("x", into: $0) }
        }
        for row in [-1, 40, .max, .min] {
            #expect(throws: GGUFError.rowOutside(file: path, tensor: name, row: row, rows: 40)) {
                try floats(rows: 1, columns: 64) { try model.readRows([row], of: name, into: $0) }
            }
        }
    }

    @Test("a file of another architecture is refused by its name")
    func architecture() throws {
        let url = fixture("gguf/blocks.gguf")
        #expect(throws: GGUFError.unsupportedArchitecture(file: url.path, name: "blocks")) { try GGUFModel(url) }
    }

    @Test(
        "the fetched model opens, and its whole first block and embedding are finite",
        .enabled(if: Fixtures.exist(Fixtures.model), "needs the model that scripts/fetch brings"))
    func fetchedModel() throws {
        let model = try GGUFModel(Fixtures.model)
        let expected = try Hyperparameters(
            family: .llama, layers: 30, width: 576, feedForwardWidth: 1536, heads: 9, keyValueHeads: 3,
            headDimension: 64, vocabularySize: 49152, contextLength: 8192,
            positions: .rotary(base: 100_000, factors: nil),
            normalisation: .rootMeanSquare, normEpsilon: 1e-5, activation: .swiglu, hasBiases: false,
            tiedEmbeddings: true)
        #expect(model.hyperparameters == expected)
        for part in ["self_attn.q_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.down_proj", "input_layernorm"] {
            let name = "model.layers.0.\(part).weight"
            let shape = try #require(model.shape(of: name))
            let found = try floats(shape: shape) { try model.read(name, into: $0) }
            #expect(found.allSatisfy { $0.isFinite })
        }
        let metadata = try model.file.tokenizerMetadata()
        #expect(metadata.model == "gpt2")
        #expect(metadata.preTokenizer == "smollm")
        #expect(metadata.tokens.count == 49152)
        #expect(metadata.merges.count == 48900)
        #expect(metadata.specialIDs == Array(0..<17))
        #expect([metadata.beginID, metadata.endID] == [1, 2])
        #expect(metadata.chatTemplate?.contains("<|im_start|>") == true)
    }
}
