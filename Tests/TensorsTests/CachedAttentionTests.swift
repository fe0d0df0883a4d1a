import Foundation
import Randomness
import Support
import Tensors
import Testing

@Suite("Attention with a cache")
struct CachedAttentionTests {
    @Test("any split of a sequence gives what the whole sequence gives", arguments: 0..<2, 0..<10)
    func splits(set: Int, number: Int) {
        let kernels = kernelSets[set]
        var generator = SeededGenerator(seed: UInt64(number), stream: "cached-attention")
        let keyValueHeads = Int.random(in: 1...3, using: &generator)
        let heads = keyValueHeads * Int.random(in: 1...3, using: &generator)
        let dimension = Int.random(in: 1...19, using: &generator)
        let tokens = Int.random(in: 1...40, using: &generator)
        let shape = AttentionShape(heads: heads, keyValueHeads: keyValueHeads, headDimension: dimension)
        let width = heads * dimension, keyWidth = keyValueHeads * dimension
        let joined = randomMatrix(tokens, width + 2 * keyWidth, using: &generator)
        let q = joined.columns(0..<width), k = joined.columns(width..<width + keyWidth)
        let v = joined.columns(width + keyWidth..<width + 2 * keyWidth)
        let scratch = zeroMatrix(1, tokens)
        let whole = zeroMatrix(tokens, width)
        kernels.attention(
            q: q, k: k, v: v, into: whole, logNormaliser_TH: nil, sequences: SequenceLayout(lengths: [tokens]),
            shape: shape)

        // Rows that no token has filled yet hold NaN: reading one would show.
        let keys = zeroMatrix(tokens + 3, keyWidth), values = zeroMatrix(tokens + 3, keyWidth)
        keys.fill(.nan)
        values.fill(.nan)
        let out = zeroMatrix(tokens, width)
        var past = 0
        while past < tokens {
            let new = past..<past + Int.random(in: 1...tokens - past, using: &generator)
            keys.rows(new).copy(from: k.rows(new))
            values.rows(new).copy(from: v.rows(new))
            kernels.attentionCached(
                q: q.rows(new), keys: keys, values: values, past: past, into: out.rows(new), shape: shape,
                scratch: scratch)
            past = new.upperBound
        }
        #expect(relativeDifference(out.values, whole.values) < 1e-6)
    }

    @Test("tokens behind a cache have the positions and rotations that they have in the whole sequence")
    func positions() {
        #expect(SequenceLayout(lengths: [3, 2], startingAt: [4, 0]).positions == [4, 5, 6, 0, 1])
        #expect(SequenceLayout(lengths: [2, 1]).positions == [0, 1, 0])
        #expect(SequenceLayout(lengths: [2], startingAt: [9]).offsets == [0, 2])
    }

    @Test("factors divide the frequencies of a rotation", arguments: 0..<2)
    func rotaryFactors(set: Int) {
        let table = RotaryTable(positions: 12, headDimension: 6, base: 500_000, factors: [1, 2.5, 32])
        let x = zeroMatrix(1, 6)
        for i in 0..<3 { x[0, i] = 1 }
        kernelSets[set].rotate(x, headDimension: 6, positions: [11], table: table)
        for (i, factor) in [1, 2.5, 32].enumerated() {
            let angle = 11 * pow(500_000, -2 * Double(i) / 6) / factor
            #expect(abs(Double(x[0, i]) - cos(angle)) < 1e-6 && abs(Double(x[0, i + 3]) - sin(angle)) < 1e-6)
        }
    }
}
