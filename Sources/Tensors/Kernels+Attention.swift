import CKernels
import CProducts

extension Kernels {
    /// Causal grouped-query attention inside each sequence.
    public func attention(
        q: Matrix, k: Matrix, v: Matrix, into out_TD: Matrix, logNormaliser_TH: Matrix?,
        sequences: SequenceLayout, shape: AttentionShape
    ) {
        precondition(q.stride == k.stride && q.stride == v.stride)
        let scratch = ThreadScratch.memory(
            of: Float.self, count: Self.padded(sequences.longest) * (shape.headDimension + 8))
        let begun = pf_work_begin()
        defer { pf_work_end(PF_WORK_ATTENTION, begun) }
        sequences.withOffsets { offsets in
            table.pointee.attention(
                q.base, k.base, v.base, q.stride, out_TD.base, out_TD.stride, logNormaliser_TH?.base, offsets,
                shape.c, scratch)
        }
    }

    /// Gradients of `attention`, written over `dq`, `dk` and `dv`.
    public func attentionBackward(
        _ outputGradient_TD: Matrix, out_TD: Matrix, q: Matrix, k: Matrix, v: Matrix,
        logNormaliser_TH: Matrix, dq: Matrix, dk: Matrix, dv: Matrix, sequences: SequenceLayout,
        shape: AttentionShape
    ) {
        precondition(dq.stride == dk.stride && dq.stride == dv.stride && outputGradient_TD.stride == out_TD.stride)
        let scratch = ThreadScratch.memory(
            of: Float.self, count: Self.padded(sequences.longest) * (2 * shape.headDimension + 32))
        let begun = pf_work_begin()
        defer { pf_work_end(PF_WORK_ATTENTION, begun) }
        sequences.withOffsets { offsets in
            table.pointee.attention_backward(
                outputGradient_TD.base, out_TD.base, out_TD.stride, q.base, k.base, v.base, q.stride,
                logNormaliser_TH.base, dq.base, dk.base, dv.base, dq.stride, offsets, shape.c, scratch)
        }
    }

    /// Tokens of a sequence as kernels count them, up to a multiple of 32.
    private static func padded(_ tokens: Int) -> Int { (tokens + 31) & ~31 }

    /// `attention` for N new tokens of one sequence whose earlier keys and values were kept: new token i sees the rows
    /// `0...past + i` of `keys` and `values`, which hold those of the new tokens already.
    ///
    /// - Parameters:
    ///   - q_NQ: the new tokens' queries.
    ///   - keys: [capacity, K], of which the first `past + N` rows count.
    ///   - values: [capacity, K], of which the first `past + N` rows count.
    ///   - past: how many tokens came before the new ones.
    ///   - scratch: one float for each of the `past + N` tokens.
    public func attentionCached(
        q q_NQ: Matrix, keys: Matrix, values: Matrix, past: Int, into out_NQ: Matrix, shape: AttentionShape,
        scratch: Matrix
    ) {
        let seen = past + q_NQ.rows
        precondition(past >= 0 && seen <= keys.rows && seen <= values.rows && seen <= scratch.count)
        precondition(q_NQ.rows == out_NQ.rows && scratch.isContiguous)
        table.pointee.attention_cached(
            q_NQ.base, q_NQ.stride, keys.base, keys.stride, values.base, values.stride, past, q_NQ.rows, out_NQ.base,
            out_NQ.stride, shape.c, scratch.base)
    }
}

/// Heads of grouped-query attention: each `heads / keyValueHeads` query heads share one key and value head.
public struct AttentionShape: Sendable, Equatable {
    /// Query heads.
    public let heads: Int
    /// Key and value heads, a divisor of `heads`.
    public let keyValueHeads: Int
    /// Floats of one head.
    public let headDimension: Int

    /// Scores are scaled by 1/√headDimension.
    public init(heads: Int, keyValueHeads: Int, headDimension: Int) {
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headDimension = headDimension
    }

    var c: pf_attention_shape {
        pf_attention_shape(
            heads: Int32(heads), kv_heads: Int32(keyValueHeads), head_dim: Int32(headDimension),
            scale: 1 / Float(headDimension).squareRoot())
    }
}
