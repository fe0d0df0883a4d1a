import Checkpoints
import Diagnostics
import Foundation
import Support
import Testing

@Suite("Llama metadata and tensors")
struct LlamaMetadataTests {
    /// A llama of one layer, width 4, two heads, feed-forward width 4 and five tokens.
    private static let sizes: [String: UInt32] = [
        "llama.block_count": 1, "llama.context_length": 16, "llama.embedding_length": 4,
        "llama.feed_forward_length": 4, "llama.attention.head_count": 2,
    ]
    private static let tensors: [String: [UInt64]] = [
        "token_embd.weight": [4, 5], "output_norm.weight": [4], "blk.0.attn_norm.weight": [4],
        "blk.0.attn_q.weight": [4, 4], "blk.0.attn_k.weight": [4, 4], "blk.0.attn_v.weight": [4, 4],
        "blk.0.attn_output.weight": [4, 4], "blk.0.ffn_norm.weight": [4], "blk.0.ffn_gate.weight": [4, 4],
        "blk.0.ffn_up.weight": [4, 4], "blk.0.ffn_down.weight": [4, 4],
    ]

    /// What is thrown for a llama without a size or tensor, with other ones, or with further metadata.
    private func refusal(
        without missing: String = "", sizes changedSizes: [String: UInt32] = [:],
        tensors changedTensors: [String: [UInt64]] = [:], epsilon: Float = 1e-5,
        _ change: (inout GGUFBuilder) -> Void = { _ in }
    ) throws -> GGUFError? {
        var builder = GGUFBuilder()
        builder.pair("general.architecture", "llama")
        builder.pair(
            "llama.attention.layer_norm_rms_epsilon", type: 6, GGUFBuilder.number(epsilon.bitPattern))
        for (key, value) in Self.sizes.merging(changedSizes, uniquingKeysWith: { $1 }) where key != missing {
            builder.pair(key, value)
        }
        let tensors = Self.tensors.merging(changedTensors) { $1 }
        for (index, (name, extents)) in tensors.enumerated() where name != missing {
            builder.tensor(name, extents, offset: UInt64(index * 128))
        }
        change(&builder)
        builder.dataBytes = 128 * 20
        return try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.gguf")
            try builder.bytes.write(to: url)
            do {
                _ = try GGUFModel(url)
                return nil
            } catch let error as GGUFError {
                return error
            }
        }
    }

    @Test("the small llama passes, so that each refusal below has the named cause")
    func good() throws { #expect(try refusal() == nil) }

    @Test("a size that is missing is named", arguments: ["llama.block_count", "llama.context_length"])
    func missing(_ key: String) throws {
        let error = try refusal(without: key)
        guard case .missingKey(_, key) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("impossible sizes are refused")
    func impossible() throws {
        for sizes in [
            ["llama.block_count": 0], ["llama.block_count": .max], ["llama.embedding_length": 0],
            ["llama.embedding_length": .max], ["llama.attention.head_count": 0], ["llama.attention.head_count": 3],
            ["llama.attention.head_count": 4], ["llama.attention.head_count_kv": 0],
            ["llama.attention.head_count_kv": 3], ["llama.context_length": 0], ["llama.feed_forward_length": .max],
            ["llama.vocab_size": 6], ["llama.rope.freq_base": 0], ["llama.rope.dimension_count": 1],
            ["llama.attention.key_length": 4], ["llama.attention.key_length": 3],
        ] as [[String: UInt32]] {
            #expect(try refusal(sizes: sizes) != nil, "\(sizes)")
        }
        for epsilon in [Float.nan, 0, -1, .infinity] {
            #expect(try refusal(epsilon: epsilon)?.exitCode == .modelMalformed, "\(epsilon)")
        }
    }

    @Test("a tensor that is missing, misshapen or out of place is named")
    func tensors() throws {
        let name = "blk.0.attn_q.weight"
        guard case .missingTensor(_, name) = try refusal(without: name) else {
            Issue.record("the missing tensor was not named")
            return
        }
        let misshapen = try refusal(tensors: [name: [8, 2]])
        guard case .wrongShape(_, name, [2, 8], [4, 4]) = misshapen else {
            Issue.record("\(String(describing: misshapen))")
            return
        }
        let bias = try refusal(tensors: ["blk.0.attn_q.bias": [4]])
        #expect(bias?.problem.contains("blk.0.attn_q.bias") == true)
        #expect(bias?.exitCode == .modelUnsupported)
    }

    @Test("a table of rotation factors is read, and refused when misshapen or impossible")
    func rotationFactors() throws {
        #expect(try refusal(tensors: ["rope_freqs.weight": [2]])?.exitCode == .modelMalformed)
        // The builder's data are zeros, which would divide by nothing.
        #expect(try refusal(tensors: ["rope_freqs.weight": [1]])?.problem.contains("RoPE factor") == true)
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.gguf")
            var metadata: [(key: String, value: GGUFValue)] = [
                ("general.architecture", .text("llama")), ("llama.attention.layer_norm_rms_epsilon", .real(0.0625)),
            ]
            metadata += Self.sizes.map { ($0.key, .unsigned(UInt64($0.value))) }
            let tensors = Self.tensors.mapValues { $0.reversed().map(Int.init) }
                .merging(["rope_freqs.weight": [1]]) { $1 }
            try GGUFFile.write(metadata: metadata, tensors: tensors.map { ($0.key, $0.value) }, to: url) {
                name, stream in
                try stream.append([Float](repeating: 8, count: tensors[name]?.reduce(1, *) ?? 0))
            }
            #expect(try GGUFModel(url).hyperparameters.positions == .rotary(base: 10_000, factors: [8]))
        }
    }

    @Test("what would change the mathematics silently is refused")
    func features() throws {
        #expect(try refusal(sizes: ["llama.expert_count": 8])?.exitCode == .modelUnsupported)
        let scaled = try refusal { $0.pair("llama.rope.scaling.type", "yarn") }
        #expect(scaled?.problem.contains("yarn") == true)
    }
}
