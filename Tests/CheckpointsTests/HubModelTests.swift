import Checkpoints
import Diagnostics
import Foundation
import Support
import Testing

@Suite("Models in hub folders")
struct HubModelTests {
    @Test(
        "every tensor is there under its causal name, and rows are those of the whole", arguments: HubFolders.families)
    func tensors(_ family: String) throws {
        let folder = fixture("hub/\(family)")
        let model = try HubModel(folder)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasPrefix("model") && $0.hasSuffix(".safetensors") }
            .map { try SafetensorsFile(folder.appendingPathComponent($0)) }
        #expect(files.count == (family == "opt" ? 4 : 1))
        var count = 0
        for file in files {
            for (stored, shape) in file.shapes {
                let name = family == "gpt2" ? "transformer.\(stored)" : stored
                #expect(model.shape(of: name) == shape)
                let expected = try file.values(stored)
                let found = try floats(shape: shape) { try model.read(name, into: $0) }
                #expect(found == expected, "\(name)")
                if shape.count == 2 {
                    let rows = [shape[0] - 1, 0, 0]
                    let part = try floats(rows: 3, columns: shape[1]) { try model.readRows(rows, of: name, into: $0) }
                    #expect(part == rows.flatMap { expected[shape[1] * $0..<shape[1] * ($0 + 1)] })
                }
                count += 1
            }
        }
        #expect(count == model.hyperparameters.tensors.count)
        #expect(throws: HubError.self) { try floats(rows: 1, columns: 1) { try model.read("x", into: $0) } }
        #expect(throws: SafetensorsError.self) {
            try floats(rows: 1, columns: 16) {
                try model.readRows([24], of: model.hyperparameters.tensors[0].name, into: $0)
            }
        }
    }

    /// What is thrown for a copy of a folder whose tensors, all in one file, were changed.
    private func refusal(
        of family: String, _ change: (inout [String: SafetensorsTensor]) throws -> Void
    ) throws -> (any NumberedError)? {
        try HubFolders.withCopy(of: family) { folder in
            let url = folder.appendingPathComponent("model.safetensors")
            let file = try SafetensorsFile(url)
            var tensors: [String: SafetensorsTensor] = [:]
            for (name, shape) in file.shapes {
                tensors[name] = SafetensorsTensor(shape: shape, values: try file.values(name))
            }
            try change(&tensors)
            try SafetensorsFile.write(tensors, to: url)
            return try HubFolders.refusal { _ = try HubModel(folder) }
        }
    }

    private static let number = SafetensorsTensor(shape: [1], values: [1])

    @Test("what can be computed is ignored: masks, rotation frequencies, a copy of a tied head")
    func ignored() throws {
        let gpt2 = try refusal(of: "gpt2") { tensors in
            tensors["h.0.attn.bias"] = SafetensorsTensor(shape: [1, 1, 2, 2], values: [1, 0, 1, 1])
            tensors["h.2.attn.masked_bias"] = Self.number
            tensors["lm_head.weight"] = tensors["wte.weight"]
        }
        #expect(gpt2 == nil)
        let alone = try refusal(of: "gpt2") { $0["lm_head.weight"] = $0.removeValue(forKey: "wte.weight") }
        #expect(alone == nil)
        let llama = try refusal(of: "llama") { $0["model.layers.1.self_attn.rotary_emb.inv_freq"] = Self.number }
        #expect(llama == nil)
    }

    @Test("a tensor that has no place is refused by name, whatever it is")
    func unplaced() throws {
        for name in ["model.layers.0.self_attn.q_proj.bias", "model.layers.2.input_layernorm.weight", "score.weight"] {
            let error = try refusal(of: "llama") { $0[name] = Self.number }
            guard case .unplacedTensor(_, name) = error as? HubError else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
        // The same tensor under both of its names.
        let twice = try refusal(of: "gpt2") { $0["transformer.wpe.weight"] = $0["wpe.weight"] }
        #expect(twice?.exitCode == .modelUnsupported)
    }

    @Test("a tensor that is missing or misshapen is refused by name")
    func missing() throws {
        let missing = try refusal(of: "gpt2") { $0["h.1.mlp.c_fc.bias"] = nil }
        #expect(missing?.exitCode == .tensorMissing)
        #expect(missing?.problem.contains("transformer.h.1.mlp.c_fc.bias") == true)
        let head = try refusal(of: "llama") { $0["lm_head.weight"] = nil }
        #expect(head?.problem.contains("lm_head.weight") == true)
        // GPT-2's layers are [in, out]: the other way round they would still have as many numbers.
        let turned = try refusal(of: "gpt2") { tensors in
            let values = tensors["h.0.mlp.c_fc.weight"]?.values ?? []
            tensors["h.0.mlp.c_fc.weight"] = SafetensorsTensor(shape: [64, 16], values: values)
        }
        #expect(turned as? SafetensorsError != nil)
    }

    /// What is thrown for a copy of the sharded folder whose index was changed.
    private func refusal(index change: (inout [String: String]) -> Void) throws -> (any NumberedError)? {
        try HubFolders.withCopy(of: "opt") { folder in
            let url = folder.appendingPathComponent("model.safetensors.index.json")
            var index = try JSONDecoder().decode([String: ConfigurationValue].self, from: Data(contentsOf: url))
            guard case .object(let values) = index["weight_map"] else { return nil }
            var map = values.compactMapValues { if case .text(let shard) = $0 { shard } else { nil } }
            change(&map)
            index["weight_map"] = .object(map.mapValues(ConfigurationValue.text))
            try JSONEncoder().encode(index).write(to: url)
            return try HubFolders.refusal { _ = try HubModel(folder) }
        }
    }

    @Test("an index that lies is refused")
    func lyingIndex() throws {
        #expect(try refusal { _ in } == nil)
        let norm = "model.decoder.final_layer_norm.weight"
        for path in [
            "../model.safetensors", "/etc/x.safetensors", "a/b.safetensors", "x.bin", "..", ".safetensors", "",
        ] {
            let error = try refusal { $0[norm] = path }
            #expect(error?.exitCode == .modelMalformed, "\(path)")
        }
        let missing = try refusal { $0[norm] = "model-00009-of-00004.safetensors" }
        guard case .missingShard(_, "model-00009-of-00004.safetensors") = missing as? HubError else {
            Issue.record("\(String(describing: missing))")
            return
        }
        let elsewhere = try refusal { map in map[norm] = Set(map.values).subtracting([map[norm] ?? ""]).min() }
        #expect(elsewhere?.problem.contains(norm) == true)
        #expect(try refusal { $0["x"] = $0[norm] }?.problem.contains("tensor x") == true)
        #expect(try refusal { $0[norm] = nil }?.problem.contains(norm) == true)
        #expect(try refusal { $0 = [:] }?.exitCode == .modelMalformed)
    }

    @Test("a model opens wherever it is, and anything else is named for what it is")
    func entryPoint() throws {
        #expect(try ModelFiles.open(fixture("hub/gpt2").path).hyperparameters.family == .gpt2)
        #expect(try ModelFiles.open(fixture("tiny-model/tiny.gguf").path).hyperparameters.family == .llama)
        #expect(try ModelFiles.open(fixture("tiny-model").path) is GGUFModel)
        for (path, words) in [
            ("peft", "an adapter"), ("peft/adapter_model.safetensors", "weights"), ("prose", "prose.txt"),
            ("prose/prose.txt", "unknown kind"), ("gguf", "2 GGUF files"),
        ] {
            let error = try HubFolders.refusal { _ = try ModelFiles.open(fixture(path).path) }
            #expect(error?.problem.contains(words) == true, "\(path): \(String(describing: error))")
        }
        #expect(throws: FileError.self) { try ModelFiles.open("/none") }
        try HubFolders.withCopy(of: "gpt2") { folder in
            let weights = folder.appendingPathComponent("model.safetensors")
            try FileManager.default.removeItem(at: weights)
            let absent = try HubFolders.refusal { _ = try ModelFiles.open(folder.path) }
            #expect(absent?.problem.contains("model.safetensors") == true)
            try Data([1]).write(to: folder.appendingPathComponent("pytorch_model.bin"))
            let pickled = try HubFolders.refusal { _ = try ModelFiles.open(folder.path) }
            #expect(pickled?.problem.contains("pytorch_model.bin") == true && pickled?.remedy.contains("save") == true)
        }
    }
}
