import Diagnostics
import Foundation
import Support
import Testing

@testable import Checkpoints

@Suite("Merged models and GGUF adapters")
struct ExportTests {
    /// Where exports go: `PERMAFROST_EXPORTS` keeps them for scripts/reference/check_exports.py.
    private func withExportFolder(_ name: String, _ body: (URL) throws -> Void) throws {
        guard let kept = ProcessInfo.processInfo.environment["PERMAFROST_EXPORTS"] else {
            return try Fixtures.withTemporaryFolder(body)
        }
        let folder = URL(fileURLWithPath: kept).appendingPathComponent(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try body(folder)
    }

    @Test("a merged model reloads, and its weights are those that PEFT merges", arguments: HubFolders.families)
    func merged(_ family: String) throws {
        let source = fixture("hub/\(family)")
        let base = try HubModel(source)
        let adapter = try PEFTAdapter(contentsOf: source.appendingPathComponent("adapter"))
        let reference = try SafetensorsFile(source.appendingPathComponent("merged.safetensors"))
        try withExportFolder("\(family)/merged") { folder in
            try MergedModel.write(base: base, adapter: adapter, to: folder)
            let back = try HubModel(folder)
            let sizes = back.hyperparameters
            // Factors of the rotation come back through the parameters that give them.
            if case .rotary(_, let found?) = sizes.positions,
                case .rotary(_, let given?) = base.hyperparameters.positions
            {
                #expect(relativeDifference(found, given) < 1e-6)
            } else {
                #expect(sizes == base.hyperparameters)
            }
            var changed = 0
            for tensor in base.hyperparameters.tensors {
                let merged = try floats(shape: tensor.shape) { try back.read(tensor.name, into: $0) }
                if reference.shapes[tensor.name] != nil {
                    #expect(relativeDifference(merged, try reference.values(tensor.name)) < 1e-6, "\(tensor.name)")
                    changed += 1
                } else {
                    let original = try floats(shape: tensor.shape) { try base.read(tensor.name, into: $0) }
                    #expect(merged == original, "\(tensor.name)")
                }
            }
            #expect(changed == adapter.pairs.count && changed == reference.shapes.count)
        }
    }

    @Test("an adapter that was read is written where PEFT can be asked about it", arguments: HubFolders.families)
    func adapter(_ family: String) throws {
        let adapter = try PEFTAdapter(contentsOf: fixture("hub/\(family)/adapter"))
        try withExportFolder("\(family)/adapter") { folder in
            try adapter.write(to: folder)
            #expect(try PEFTAdapter(contentsOf: folder) == adapter)
        }
    }

    @Test("a model in a GGUF file merges into a hub folder as well")
    func mergedGGUF() throws {
        let base = try GGUFModel(fixture("gguf/llama.gguf"))
        let site = AdapterSite(layer: 1, module: "self_attn.k_proj")
        let pair = LowRankPair(a: (0..<64).map { Float($0) / 64 }, b: (0..<32).map { Float($0) / 32 })
        let adapter = PEFTAdapter(family: .llama, rank: 1, alpha: 2, baseModel: "", pairs: [site: pair])
        try Fixtures.withTemporaryFolder { folder in
            try MergedModel.write(base: base, adapter: adapter, to: folder)
            let back = try HubModel(folder)
            #expect(back.hyperparameters == base.hyperparameters)
            let name = "model.layers.1.self_attn.k_proj.weight"
            let merged = try floats(shape: [32, 64]) { try back.read(name, into: $0) }
            var expected = try floats(shape: [32, 64]) { try base.read(name, into: $0) }
            for i in expected.indices { expected[i] += 2 * pair.b[i / 64] * pair.a[i % 64] }
            #expect(relativeDifference(merged, expected) < 1e-6)
        }
    }

    @Test("companion files come along, and an adapter for another base or with a classifier does not")
    func companions() throws {
        try HubFolders.withCopy(of: "opt") { source in
            try Data("{}".utf8).write(to: source.appendingPathComponent("tokenizer.json"))
            let base = try HubModel(source)
            try Fixtures.withTemporaryFolder { folder in
                let adapter = try PEFTAdapter(contentsOf: source.appendingPathComponent("adapter"))
                try MergedModel.write(base: base, adapter: adapter, to: folder)
                #expect(Fixtures.exist(folder.appendingPathComponent("tokenizer.json")))
            }
            for name in ["peft", "peft-classifier", "hub/gpt2/adapter"] {
                try Fixtures.withTemporaryFolder { folder in
                    let adapter = try PEFTAdapter(contentsOf: fixture(name))
                    #expect(throws: AdapterError.self) {
                        try MergedModel.write(base: base, adapter: adapter, to: folder)
                    }
                    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
                }
            }
        }
    }

    @Test("a GGUF adapter has the loader's names and shapes, and rows of queries and keys in the file's order")
    func ggufAdapter() throws {
        let source = fixture("hub/llama")
        let sizes = try HubModel(source).hyperparameters
        let adapter = try PEFTAdapter(contentsOf: source.appendingPathComponent("adapter"))
        try withExportFolder("llama") { folder in
            let url = folder.appendingPathComponent("adapter.gguf")
            try adapter.writeGGUF(to: url, model: sizes)
            let file = try GGUFFile(url)
            #expect(file.metadata["general.type"] == .text("adapter"))
            #expect(file.metadata["general.architecture"] == .text("llama"))
            #expect(file.metadata["adapter.type"] == .text("lora"))
            #expect(file.metadata["adapter.lora.alpha"] == .real(6))
            #expect(file.tensors.count == 2 * adapter.pairs.count)
            let heads = ["attn_q": 2, "attn_k": 1]
            for (module, name) in [
                ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
                ("mlp.up_proj", "ffn_up"),
            ] {
                let pair = try #require(adapter.pairs[AdapterSite(layer: 1, module: module)])
                let a = try #require(file.tensors["blk.1.\(name).weight.lora_a"])
                let b = try #require(file.tensors["blk.1.\(name).weight.lora_b"])
                #expect(a.shape == [3, 20] && b.shape == [pair.b.count / 3, 3])
                #expect(file.floats(a) == pair.a)
                // The file pairs rows that lie half a head apart on the hub.
                let order = (0..<b.shape[0]).map { row in
                    guard heads[name] != nil else { return row }
                    return row / 16 * 16 + row % 2 * 8 + row % 16 / 2
                }
                #expect(file.floats(b) == order.flatMap { pair.b[3 * $0..<3 * ($0 + 1)] })
            }
        }
    }

    @Test("a family that GGUF files have no names for here, and a trained classifier, are refused by name")
    func ungguf() throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.gguf")
            let sizes = try HubModel(fixture("hub/gpt2")).hyperparameters
            let adapter = try PEFTAdapter(contentsOf: fixture("hub/gpt2/adapter"))
            let error = try HubFolders.refusal { try adapter.writeGGUF(to: url, model: sizes) }
            #expect(error?.problem.contains("gpt2") == true)
            #expect(!Fixtures.exist(url))
        }
    }

    @Test("metadata of every kind is read as it was written")
    func metadata() throws {
        let original = try GGUFFile(fixture("gguf/blocks.gguf")).metadata.sorted { $0.key < $1.key }
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.gguf")
            try GGUFFile.write(
                metadata: original.map { ($0.key, $0.value) }, tensors: [("b", [1]), ("a", [2, 3])], to: url
            ) { name, stream in
                try stream.append(name == "a" ? [1, 2, 3, 4, 5, 6] : [7])
            }
            let back = try GGUFFile(url)
            #expect(back.metadata == Dictionary(uniqueKeysWithValues: original.map { ($0.key, $0.value) }))
            #expect(try back.floats(#require(back.tensors["a"])) == [1, 2, 3, 4, 5, 6])
            #expect(try back.floats(#require(back.tensors["b"])) == [7])
            #expect(throws: SafetensorsError.self) {
                try GGUFFile.write(metadata: [], tensors: [("a", [2])], to: url) { _, stream in try stream.append([1]) }
            }
            let mixed = GGUFValue.list([.text("a"), .unsigned(1)])
            #expect(throws: GGUFError.self) {
                try GGUFFile.write(metadata: [("k", mixed)], tensors: [], to: url) { _, _ in }
            }
            let kept = try GGUFFile(url)
            #expect(kept.tensors.count == 2)
        }
    }
}
