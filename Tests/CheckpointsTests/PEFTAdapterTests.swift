import Checkpoints
import Diagnostics
import Foundation
import Support
import Testing

@Suite("Adapters in PEFT format")
struct PEFTAdapterTests {
    private static let config = "adapter_config.json"
    private static let weights = "adapter_model.safetensors"
    private static let a = "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"

    private func adapter() -> PEFTAdapter {
        var pairs: [AdapterSite: LowRankPair] = [:]
        for layer in [24, 25] {
            for (module, inputs, outputs) in [("self_attn.q_proj", 3, 5), ("mlp.up_proj", 3, 4)] {
                pairs[AdapterSite(layer: layer, module: module)] = LowRankPair(
                    a: (0..<2 * inputs).map { Float($0) / 8 }, b: (0..<2 * outputs).map { Float($0 + layer) })
            }
        }
        return PEFTAdapter(family: .llama, rank: 2, alpha: 4, baseModel: "a/b", pairs: pairs)
    }

    @Test("what is written is read again")
    func roundTrip() throws {
        try Fixtures.withTemporaryFolder { folder in
            try adapter().write(to: folder)
            let back = try PEFTAdapter(contentsOf: folder)
            #expect(back == adapter())
            #expect(back.targetModules == ["q_proj", "up_proj"])
            #expect(back.layers == [24, 25])
        }
    }

    @Test("the files have the keys, shapes and settings that PEFT expects")
    func format() throws {
        try Fixtures.withTemporaryFolder { folder in
            try adapter().write(to: folder)
            let file = try SafetensorsFile(folder.appendingPathComponent(Self.weights))
            let prefix = "base_model.model.model.layers.24.self_attn.q_proj"
            #expect(file.shapes["\(prefix).lora_A.weight"] == [2, 3])
            #expect(file.shapes["\(prefix).lora_B.weight"] == [5, 2])
            #expect(file.metadata == ["format": "pt"])
            let config = try String(contentsOf: folder.appendingPathComponent(Self.config), encoding: .utf8)
            for setting in [
                #""peft_type" : "LORA""#, #""task_type" : "CAUSAL_LM""#, #""r" : 2"#, #""lora_alpha" : 4"#,
                #""layers_pattern" : "layers""#, #""bias" : "none""#, #""use_rslora" : false"#,
                #""inference_mode" : true"#, #""base_model_name_or_path" : "a/b""#,
            ] {
                #expect(config.contains(setting), "\(setting)")
            }
        }
    }

    @Test("a folder that Python's PEFT wrote is read")
    func fromPEFT() throws {
        let adapter = try PEFTAdapter(contentsOf: fixture("peft"))
        #expect(adapter.rank == 2)
        #expect(adapter.alpha == 6)
        #expect(adapter.layers == [1, 2])
        #expect(adapter.targetModules == ["down_proj", "q_proj"])
        let pair = try #require(adapter.pairs[AdapterSite(layer: 2, module: "mlp.down_proj")])
        #expect(pair.a.count == 2 * 24)
        #expect(pair.b == (0..<32).map { Float($0) / 8 })
    }

    @Test(
        "numbers that are not finite are refused: an adapter is small enough to look at each",
        arguments: [Float.nan, .infinity])
    func notFinite(_ value: Float) throws {
        let error = try refusal { tensors in
            tensors[Self.a] = SafetensorsTensor(shape: [2, 16], values: [Float](repeating: value, count: 32))
        }
        guard case .notFinite(_, Self.a) = error as? AdapterError else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("all linear layers may be meant in one word, and transposing is the family's affair")
    func harmless() throws {
        #expect(try refusal(replacing: "[\n    \"down_proj\",\n    \"q_proj\"\n  ]", with: #""all-linear""#) == nil)
        #expect(try refusal(replacing: #""fan_in_fan_out": false"#, with: #""fan_in_fan_out": true"#) == nil)
        #expect(try refusal(replacing: #""modules_to_save": null"#, with: #""modules_to_save": []"#) == nil)
    }

    /// What is thrown for a PEFT folder after a change to its configuration or tensors.
    private func refusal(
        replacing found: String = "", with replacement: String = "",
        _ change: (inout [String: SafetensorsTensor]) -> Void = { _ in }
    ) throws -> (any NumberedError)? {
        try Fixtures.withTemporaryFolder { folder in
            var config = try String(contentsOf: fixture("peft/\(Self.config)"), encoding: .utf8)
            if !found.isEmpty {
                #expect(config.contains(found))
                config = config.replacingOccurrences(of: found, with: replacement)
            }
            try Data(config.utf8).write(to: folder.appendingPathComponent(Self.config))
            let file = try SafetensorsFile(fixture("peft/\(Self.weights)"))
            var tensors: [String: SafetensorsTensor] = [:]
            for (name, shape) in file.shapes {
                tensors[name] = SafetensorsTensor(shape: shape, values: try file.values(name))
            }
            change(&tensors)
            try SafetensorsFile.write(tensors, to: folder.appendingPathComponent(Self.weights))
            do {
                _ = try PEFTAdapter(contentsOf: folder)
                return nil
            } catch let error as any NumberedError {
                return error
            }
        }
    }

    @Test("an unchanged copy passes, so that each refusal below has the named cause")
    func good() throws { #expect(try refusal() == nil) }

    @Test(
        "settings that are not plain LoRA are refused by name",
        arguments: [
            (#""LORA""#, #""ADALORA""#), (#""CAUSAL_LM""#, #""TOKEN_CLS""#),
            (#""use_dora": false"#, #""use_dora": true"#),
            (#""init_lora_weights": true"#, #""init_lora_weights": "pissa""#),
            ("[\n    \"down_proj\",\n    \"q_proj\"\n  ]", #"".*(q|down)_proj""#),
            (#""trainable_token_indices": null"#, #""trainable_token_indices": [1]"#),
            (#""target_parameters": null"#, #""target_parameters": ["x"]"#),
            (#""kasa_config": null"#, #""kasa_config": {}"#),
            (#""bias": "none""#, #""bias": "all""#), (#""rank_pattern": {}"#, #""rank_pattern": {"q_proj": 3}"#),
            (#""alpha_pattern": {}"#, #""alpha_pattern": {"q_proj": 3}"#),
            (#""modules_to_save": null"#, #""modules_to_save": ["lm_head"]"#),
            (#""layer_replication": null"#, #""layer_replication": [[0, 1]]"#),
        ])
    func unsupported(_ found: String, _ replacement: String) throws {
        let error = try refusal(replacing: found, with: replacement)
        guard case .unsupported = error as? AdapterError else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        "a configuration of wrong values or kinds is refused",
        arguments: [
            (#""r": 2"#, #""r": 0"#), (#""r": 2"#, #""r": -2"#), (#""r": 2"#, #""r": 1e99"#),
            (#""r": 2"#, #""r": "2""#), (#""r": 2,"#, ""), (#""r": 2"#, #""r": 3"#), ("{", "["),
            (#""lora_alpha": 6"#, #""lora_alpha": 0"#), (#""lora_alpha": 6"#, #""lora_alpha": null"#),
            (#""q_proj""#, #""k_proj""#), (#""LORA""#, "7"), ("    2\n", "    3\n"),
            (#""CAUSAL_LM""#, #""SEQ_CLS""#), (#""lora_dropout": 0.0"#, #""lora_dropout": 1.0"#),
            ("[\n    \"down_proj\",\n    \"q_proj\"\n  ]", #"["model.layers.1.mlp.down_proj", "q_proj"]"#),
        ])
    func malformed(_ found: String, _ replacement: String) throws {
        #expect(try refusal(replacing: found, with: replacement) is AdapterError)
    }

    @Test("tensors that are missing, misshapen, of another rank or unknown are refused by name")
    func tensors() throws {
        let b = Self.a.replacingOccurrences(of: "lora_A", with: "lora_B")
        for name in [Self.a, b] {
            let error = try refusal { $0[name] = nil }
            guard case .missingTensor(_, name) = error as? AdapterError else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
        let gap = try refusal { tensors in
            tensors[Self.a] = nil
            tensors[b] = nil
        }
        #expect(gap?.exitCode == .adapterMalformed)
        for shape in [[32], [3, 2], [2, 3, 2], [1, 6], [0, 16]] {
            let values = [Float](repeating: 1, count: shape.reduce(1, *))
            let error = try refusal { $0[Self.a] = SafetensorsTensor(shape: shape, values: values) }
            guard case .wrongShape(_, Self.a, shape, _) = error as? AdapterError else {
                Issue.record("\(shape): \(String(describing: error))")
                return
            }
        }
        for name in [
            "x", "base_model.model.model.layers.-1.q_proj.lora_A.weight",
            "base_model.model.model.layers.01.q_proj.lora_A.weight",
            "base_model.model.model.layers.1.q_proj.lora_magnitude_vector",
            "base_model.model.model.layers.99999999999999999999.q_proj.lora_A.weight",
            "base_model.model.model.layers.1..q_proj.lora_A.weight", "base_model.model.model.layers.1.lora_A.weight",
        ] {
            let error = try refusal { $0[name] = SafetensorsTensor(shape: [1], values: [1]) }
            #expect(error as? AdapterError != nil, "\(name)")
        }
        #expect(try refusal { $0 = [:] }?.exitCode == .adapterMalformed)
    }

    @Test("a folder without one of the files is refused")
    func missingFiles() throws {
        for name in [Self.config, Self.weights] {
            try Fixtures.withTemporaryFolder { folder in
                try adapter().write(to: folder)
                try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
                #expect(throws: FileError.self) { try PEFTAdapter(contentsOf: folder) }
            }
        }
    }

    @Test("factors that do not fit the rank, or a module missing in one block, are not written")
    func unwritable() throws {
        try Fixtures.withTemporaryFolder { folder in
            let site = AdapterSite(layer: 0, module: "q_proj")
            let odd = LowRankPair(a: [1, 2, 3], b: [1, 2])
            #expect(throws: AdapterError.self) {
                try PEFTAdapter(family: .llama, rank: 2, alpha: 1, baseModel: "", pairs: [site: odd]).write(to: folder)
            }
            let even = LowRankPair(a: [1, 2], b: [1, 2])
            let other = AdapterSite(layer: 1, module: "k_proj")
            #expect(throws: AdapterError.self) {
                try PEFTAdapter(family: .llama, rank: 2, alpha: 1, baseModel: "", pairs: [site: even, other: even])
                    .write(to: folder)
            }
            #expect(throws: AdapterError.self) {
                try PEFTAdapter(family: .llama, rank: 2, alpha: 1, baseModel: "", pairs: [:]).write(to: folder)
            }
        }
    }
}
