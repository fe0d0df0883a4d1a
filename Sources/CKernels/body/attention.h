// Included once per instruction set. See portable.c.

/// One head's output for one query that sees `seen` keys. Returns the logarithm of the softmax's normaliser.
static inline float KERNEL(attend)(const float *query, const float *k, const float *v, size_t k_stride,
                                   size_t v_stride, size_t seen, size_t dim, float scale, float *restrict target,
                                   float *scratch) {
    float largest = -INFINITY;
    for (size_t j = 0; j < seen; j++) {
        const float score = KERNEL(dot)(query, k + j * k_stride, dim) * scale;
        scratch[j] = score;
        largest = score > largest ? score : largest;
    }
    float sum = 0;
    for (size_t j = 0; j < seen; j++) scratch[j] = KERNEL(exponential)(scratch[j] - largest);
    for (size_t j = 0; j < seen; j++) sum += scratch[j];
    const float inverse = 1.0f / sum;
    for (size_t d = 0; d < dim; d++) target[d] = 0;
    for (size_t j = 0; j < seen; j++) KERNEL(axpy)(scratch[j] * inverse, v + j * v_stride, target, dim);
    return largest + logf(sum);
}

/// Numbers of a row of scores that are computed at once; rows have room for whole ones.
#define PF_LANES 16

/// Replaces scores by softmax(scores * scale), and those beyond `seen` by zeros, up to `end`. Writes the logarithm of the
/// normaliser where somebody wants it.
static inline void KERNEL(softmax_row)(float *restrict scores, size_t seen, size_t end, float scale, float *log_normaliser) {
    // Whole lanes: of a row's last ones, scores beyond `seen` count for nothing in a sum that is at least 1.
    const size_t whole = (seen + PF_LANES - 1) / PF_LANES * PF_LANES;
    for (size_t j = seen; j < whole; j++) scores[j] = -INFINITY;
    float most[PF_LANES], sums[PF_LANES];
    for (size_t l = 0; l < PF_LANES; l++) {
        most[l] = -INFINITY;
        sums[l] = 0;
    }
    for (size_t j = 0; j < whole; j += PF_LANES) {
        for (size_t l = 0; l < PF_LANES; l++) most[l] = scores[j + l] > most[l] ? scores[j + l] : most[l];
    }
    for (size_t half = PF_LANES / 2; half > 0; half /= 2) {
        for (size_t l = 0; l < half; l++) most[l] = most[l + half] > most[l] ? most[l + half] : most[l];
    }
    const float largest = most[0];
    for (size_t j = 0; j < whole; j += PF_LANES) {
        for (size_t l = 0; l < PF_LANES; l++) {
            scores[j + l] = KERNEL(exponential)((scores[j + l] - largest) * scale);
            sums[l] += scores[j + l];
        }
    }
    for (size_t half = PF_LANES / 2; half > 0; half /= 2) {
        for (size_t l = 0; l < half; l++) sums[l] += sums[l + half];
    }
    const float inverse = 1.0f / sums[0];
    for (size_t j = 0; j < whole; j++) scores[j] *= inverse;
    for (size_t j = seen; j < (end > whole ? end : whole); j++) scores[j] = 0;
    if (log_normaliser != NULL) *log_normaliser = largest * scale + logf(sums[0]);
}

static void KERNEL(attention)(const float *q, const float *k, const float *v, size_t stride, float *out,
                              size_t out_stride, float *log_normaliser, pf_sequences sequences,
                              pf_attention_shape shape, float *scratch) {
    const size_t dim = (size_t)shape.head_dim, heads = (size_t)shape.heads;
    const size_t group = heads / (size_t)shape.kv_heads;
    for (int32_t s = 0; s < sequences.count; s++) {
        const size_t begin = (size_t)sequences.offsets[s], count = (size_t)sequences.offsets[s + 1] - begin;
        const size_t padded = KERNEL(padded)(count);
        float *transposed = scratch, *scores = scratch + dim * padded;
        for (size_t head = 0; head < heads; head++) {
            const float *values = v + begin * stride + head / group * dim;
            if (head % group == 0) {
                KERNEL(transpose)(k + begin * stride + head / group * dim, stride, transposed, count, padded, dim);
            }
            for (size_t i = 0; i < count; i += PF_TILE_ROWS) {
                const size_t rows = count - i < PF_TILE_ROWS ? count - i : PF_TILE_ROWS, seen = i + rows;
                KERNEL(tile_product)(q + (begin + i) * stride + head * dim, stride, 1, transposed, padded, scores, padded,
                                     rows, dim, KERNEL(padded)(seen), false);
                for (size_t r = 0; r < rows; r++) {
                    float *own = log_normaliser != NULL ? log_normaliser + (begin + i + r) * heads + head : NULL;
                    KERNEL(softmax_row)(scores + r * padded, i + r + 1, seen, shape.scale, own);
                }
                KERNEL(tile_product)(scores, padded, 1, values, stride, out + (begin + i) * out_stride + head * dim,
                                     out_stride, rows, seen, dim, false);
            }
        }
    }
}

static void KERNEL(attention_cached)(const float *q, size_t q_stride, const float *k, size_t k_stride,
                                     const float *v, size_t v_stride, size_t past, size_t rows, float *out,
                                     size_t out_stride, pf_attention_shape shape, float *scratch) {
    const size_t dim = (size_t)shape.head_dim;
    const int32_t group = shape.heads / shape.kv_heads;
    for (int32_t head = 0; head < shape.heads; head++) {
        const size_t own = (size_t)head * dim, shared = (size_t)(head / group) * dim;
        for (size_t i = 0; i < rows; i++) {
            KERNEL(attend)(q + i * q_stride + own, k + shared, v + shared, k_stride, v_stride, past + i + 1, dim,
                           shape.scale, out + i * out_stride + own, scratch);
        }
    }
}
