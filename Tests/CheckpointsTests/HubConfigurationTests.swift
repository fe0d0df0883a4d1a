import Diagnostics
import Foundation
import Support
import Testing

@testable import Checkpoints

@Suite("Hub configurations")
struct HubConfigurationTests {
    private func sizes(_ family: String) throws -> Hyperparameters {
        try HubModel(fixture("hub/\(family)")).hyperparameters
    }

    @Test("the configurations that transformers saved are read")
    func families() throws {
        let gpt2 = try Hyperparameters(
            family: .gpt2, layers: 3, width: 16, feedForwardWidth: 64, heads: 2, keyValueHeads: 2, headDimension: 8,
            vocabularySize: 24, contextLength: 12, positions: .learned(offset: 0), normalisation: .layer,
            normEpsilon: 1e-5, activation: .gelu, hasBiases: true, tiedEmbeddings: true)
        #expect(try sizes("gpt2") == gpt2)
        let opt = try Hyperparameters(
            family: .opt, layers: 2, width: 16, feedForwardWidth: 20, heads: 2, keyValueHeads: 2, headDimension: 8,
            vocabularySize: 24, contextLength: 12, positions: .learned(offset: 2), normalisation: .layer,
            normEpsilon: 1e-5, activation: .relu, hasBiases: true, tiedEmbeddings: true)
        #expect(try sizes("opt") == opt)
        let llama = try sizes("llama")
        let expected = try Hyperparameters(
            family: .llama, layers: 2, width: 20, feedForwardWidth: 12, heads: 2, keyValueHeads: 1, headDimension: 16,
            vocabularySize: 24, contextLength: 512, positions: llama.positions, normalisation: .rootMeanSquare,
            normEpsilon: 1e-6, activation: .swiglu, hasBiases: false, tiedEmbeddings: false)
        #expect(llama == expected)
    }

    private func rotation(_ values: [String: ConfigurationValue]) throws -> (base: Double, factors: [Float]?) {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("config.json")
            try JSONEncoder().encode(values).write(to: url)
            guard case .rotary(let base, let factors) = try HubConfiguration(url).rotaryPositions(headDimension: 16)
            else {
                return (0, nil)
            }
            return (base, factors)
        }
    }

    @Test("Llama 3's rotation factors are those of transformers, in the old keys and the new ones")
    func llama3() throws {
        let expected = try JSONDecoder().decode(
            [Float].self, from: Data(contentsOf: fixture("hub/llama/rotary_factors.json")))
        guard case .rotary(let base, let factors) = try sizes("llama").positions else { return }
        #expect(base == 5000)
        #expect(relativeDifference(try #require(factors), expected) < 1e-6)
        var scaling: [String: ConfigurationValue] = [
            "factor": .integer(8), "low_freq_factor": .integer(1), "high_freq_factor": .number(4.0),
            "original_max_position_embeddings": .integer(256),
        ]
        for key in ["type", "rope_type"] {
            scaling[key] = .text("llama3")
            let old = try rotation(["rope_theta": .number(5000), "rope_scaling": .object(scaling)])
            #expect(old.base == 5000 && old.factors == factors)
            scaling[key] = nil
        }
    }

    @Test("the base stands at the top, in the parameters, or nowhere")
    func base() throws {
        #expect(try rotation([:]).base == 10_000)
        #expect(try rotation(["rope_theta": .integer(500)]).base == 500)
        #expect(
            try rotation(["rope_scaling": .null, "rope_parameters": .object(["rope_theta": .integer(7)])]).base == 7)
        #expect(
            try rotation(["rope_theta": .integer(5), "rope_parameters": .object(["rope_type": .text("default")])]).base
                == 5)
    }

    @Test("from rotation factors alone, the parameters are found that give them")
    func inversion() throws {
        for (base, dimension, scaling) in [
            (
                500_000.0, 64,
                Llama3Scaling(factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)
            ),
            (
                500_000.0, 128,
                Llama3Scaling(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)
            ),
            (
                10_000.0, 32,
                Llama3Scaling(factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 6, originalContext: 300)
            ),
            (5000.0, 16, Llama3Scaling(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 256)),
        ] {
            let factors = scaling.factors(base: base, headDimension: dimension)
            let found = try #require(Llama3Scaling(giving: factors, base: base, headDimension: dimension))
            #expect(relativeDifference(found.factors(base: base, headDimension: dimension), factors) < 1e-5)
        }
        #expect(Llama3Scaling(giving: [1, 2, 3, 4, 5, 6, 7, 8], base: 5000, headDimension: 16) == nil)
    }

    @Test(
        "what would change the mathematics is refused by name",
        arguments: [
            ("llama", "attention_bias", .flag(true)), ("llama", "mlp_bias", .flag(true)),
            ("llama", "hidden_act", .text("gelu")), ("llama", "rope_scaling", .object(["type": .text("linear")])),
            ("llama", "rope_scaling", .object(["rope_type": .text("dynamic")])),
            ("llama", "rope_scaling", .object(["rope_type": .text("yarn")])),
            ("llama", "rope_scaling", .object(["rope_type": .text("longrope")])),
            ("llama", "partial_rotary_factor", .number(0.5)), ("gpt2", "scale_attn_weights", .flag(false)),
            ("gpt2", "scale_attn_by_inverse_layer_idx", .flag(true)), ("gpt2", "activation_function", .text("relu")),
            ("gpt2", "add_cross_attention", .flag(true)), ("opt", "do_layer_norm_before", .flag(false)),
            ("opt", "word_embed_proj_dim", .integer(8)), ("opt", "enable_bias", .flag(false)),
            ("opt", "layer_norm_elementwise_affine", .flag(false)), ("opt", "_remove_final_layer_norm", .flag(true)),
            ("opt", "activation_function", .text("gelu")),
            ("opt", "quantization_config", .object(["bits": .integer(4)])),
        ] as [(String, String, ConfigurationValue)])
    func unsupported(_ family: String, _ key: String, _ value: ConfigurationValue) throws {
        let error = try HubFolders.refusal(of: family, config: [key: value])
        guard case .unsupported(_, let feature) = error as? HubError else {
            Issue.record("\(String(describing: error))")
            return
        }
        let kind: String? =
            if case .object(let values) = value, case .text(let name) = values.first?.value { name } else { nil }
        let names = [key, kind, "OPT-350M"].compactMap(\.self)
        #expect(names.contains { feature.contains($0) }, "\(feature)")
    }

    @Test("a setting that changes nothing is taken")
    func harmless() throws {
        #expect(try HubFolders.refusal(of: "gpt2", config: ["reorder_and_upcast_attn": .flag(true)]) == nil)
        #expect(try HubFolders.refusal(of: "gpt2", config: ["activation_function": .text("gelu_pytorch_tanh")]) == nil)
        #expect(try HubFolders.refusal(of: "gpt2", config: ["tie_word_embeddings": .null]) == nil)
    }

    @Test("a missing key, a value of the wrong kind and an unknown family are named")
    func keys() throws {
        let missing = try HubFolders.refusal(of: "opt", config: ["ffn_dim": .null])
        guard case .missingKey(_, "ffn_dim") = missing as? HubError else {
            Issue.record("\(String(describing: missing))")
            return
        }
        let wrong = try HubFolders.refusal(of: "gpt2", config: ["n_layer": .text("3")])
        guard case .wrongKind(_, "n_layer", _) = wrong as? HubError else {
            Issue.record("\(String(describing: wrong))")
            return
        }
        let unknown = try HubFolders.refusal(of: "gpt2", config: ["model_type": .text("mamba")])
        #expect(unknown?.problem.contains("mamba") == true)
        #expect(unknown?.remedy.contains("gpt2, llama, opt") == true)
    }

    @Test("impossible values are refused")
    func impossible() throws {
        for (family, changes) in [
            ("gpt2", ["n_layer": .integer(0)]), ("gpt2", ["n_embd": .integer(.max)]), ("gpt2", ["n_head": .integer(3)]),
            ("gpt2", ["n_head": .integer(0)]), ("opt", ["num_attention_heads": .integer(-1)]),
            ("opt", ["num_hidden_layers": .integer(.max)]), ("llama", ["head_dim": .integer(.min)]),
            ("llama", ["num_attention_heads": .integer(0), "head_dim": .null]), ("llama", ["rms_norm_eps": .number(0)]),
            ("llama", ["max_position_embeddings": .number(1.5)]),
            ("llama", ["rope_scaling": .object(["type": .text("llama3"), "factor": .integer(0)])]),
        ] as [(String, [String: ConfigurationValue])] {
            #expect(try HubFolders.refusal(of: family, config: changes)?.exitCode == .modelMalformed, "\(changes)")
        }
    }
}
