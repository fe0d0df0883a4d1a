import Checkpoints
import Foundation
import Support
import Testing

@Suite("Adapters of every family")
struct PEFTFamilyTests {
    private static let config = "adapter_config.json"
    private static let weights = "adapter_model.safetensors"

    @Test(
        "what PEFT wrote for any family is written again with the same keys, shapes, values and settings",
        arguments: ["peft", "peft-classifier", "hub/gpt2/adapter", "hub/llama/adapter", "hub/opt/adapter"])
    func rewritten(_ name: String) throws {
        let adapter = try PEFTAdapter(contentsOf: fixture(name))
        try Fixtures.withTemporaryFolder { folder in
            try adapter.write(to: folder)
            #expect(try PEFTAdapter(contentsOf: folder) == adapter)
            let theirs = try SafetensorsFile(fixture("\(name)/\(Self.weights)"))
            let ours = try SafetensorsFile(folder.appendingPathComponent(Self.weights))
            #expect(ours.shapes == theirs.shapes)
            for tensor in theirs.shapes.keys { #expect(try ours.values(tensor) == theirs.values(tensor), "\(tensor)") }
            var settings = try [fixture(name), folder].map { folder in
                try JSONDecoder().decode(
                    [String: ConfigurationValue].self,
                    from: Data(contentsOf: folder.appendingPathComponent(Self.config)))
            }
            // PEFT spells out paths for "all-linear", leaves out what means every block, and names a classifier twice.
            for i in settings.indices {
                if name == "hub/opt/adapter" { settings[i]["target_modules"] = nil }
                if case .list(let modules) = settings[i]["modules_to_save"] {
                    settings[i]["modules_to_save"] = .list(modules.filter { $0 != .text("classifier") })
                }
                if ["hub/opt/adapter", "hub/llama/adapter"].contains(name) {
                    settings[i]["layers_to_transform"] = nil
                    settings[i]["layers_pattern"] = nil
                }
                if settings[i]["base_model_name_or_path"] == .text("") {
                    settings[i]["base_model_name_or_path"] = .null
                }
            }
            for (key, value) in settings[1] {
                #expect(settings[0][key] == value, "\(key)")
            }
        }
    }

    @Test("GPT-2's settings are read: rank-stabilised scale, blocks with gaps, one name for two layers")
    func gpt2() throws {
        let adapter = try PEFTAdapter(contentsOf: fixture("hub/gpt2/adapter"))
        #expect(adapter.family == .gpt2 && adapter.isRankStabilised && adapter.scale == 3)
        #expect(adapter.layers == [0, 2] && adapter.targetModules == ["c_attn", "c_proj"])
        let opt = try PEFTAdapter(contentsOf: fixture("hub/opt/adapter"))
        #expect(opt.dropout == 0.25 && opt.targetModules.count == 6 && opt.scale == 2)
        try Fixtures.withTemporaryFolder { folder in
            // With one of the two layers alone, their shared name would mean too many.
            let pairs = adapter.pairs.filter { $0.key.module != "mlp.c_proj" }
            let part = PEFTAdapter(family: .gpt2, rank: 4, alpha: 6, baseModel: "", pairs: pairs)
            try part.write(to: folder)
            let text = try String(contentsOf: folder.appendingPathComponent(Self.config), encoding: .utf8)
            #expect(text.contains(#""attn.c_proj""#))
            #expect(try PEFTAdapter(contentsOf: folder) == part)
        }
    }

    @Test("a trained classifier is read with its adapter")
    func classifier() throws {
        let adapter = try PEFTAdapter(contentsOf: fixture("peft-classifier"))
        let score = try #require(adapter.savedModules["score"])
        #expect(score.shape == [3, 16] && score.values == (0..<48).map { Float($0) / 8 })
        #expect(adapter.family == .opt && adapter.layers == [2] && adapter.dropout == 0.1)
        #expect(adapter.parameterCount == 48 + 2 * 2 * (16 + 16) - 2 * 16 + 2 * 24)
    }

    @Test("an adapter for another base is refused with what differs")
    func otherBase() throws {
        let gpt2 = try HubModel(fixture("hub/gpt2")).hyperparameters,
            opt = try HubModel(fixture("hub/opt")).hyperparameters
        try PEFTAdapter(contentsOf: fixture("hub/gpt2/adapter")).check(fits: gpt2)
        for (name, model, words) in [
            ("hub/gpt2/adapter", opt, "family gpt2"), ("peft-classifier", opt, "block 2 of 2"),
        ] {
            let adapter = try PEFTAdapter(contentsOf: fixture(name))
            let error = try HubFolders.refusal { try adapter.check(fits: model) }
            #expect(error?.problem.contains(words) == true && error?.exitCode == .adapterMismatch)
        }
        for (module, width, words) in [("fc3", 16, "no layer fc3"), ("fc2", 19, "20 inputs")] {
            let pair = LowRankPair(a: [Float](repeating: 0, count: width), b: [Float](repeating: 0, count: 16))
            let adapter = PEFTAdapter(
                family: .opt, rank: 1, alpha: 1, baseModel: "", pairs: [AdapterSite(layer: 0, module: module): pair])
            let error = try HubFolders.refusal { try adapter.check(fits: opt) }
            #expect(error?.problem.contains(words) == true)
        }
    }
}
