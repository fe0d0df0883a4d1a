// Included once per instruction set, after attention.h. See portable.c.

// Queries whose probabilities and their gradients are in memory at once.
#define PF_QUERIES 16

/// Turns scores into probabilities, and the gradients of these into those of scores; zeros beyond `seen`, up to `end`.
static inline void KERNEL(softmax_row_backward)(float *restrict scores, float *restrict gradients, size_t seen,
                                                size_t end, float scale, float normaliser, float mean) {
    for (size_t j = 0; j < seen; j += PF_LANES) {
        for (size_t l = 0; l < PF_LANES; l++) {
            const float p = KERNEL(exponential)(scores[j + l] * scale - normaliser);
            scores[j + l] = p;
            gradients[j + l] = p * (gradients[j + l] - mean) * scale;
        }
    }
    for (size_t j = seen; j < end; j++) scores[j] = gradients[j] = 0;
}

static void KERNEL(attention_backward)(const float *dout, const float *out, size_t out_stride, const float *q,
                                       const float *k, const float *v, size_t stride, const float *log_normaliser,
                                       float *dq, float *dk, float *dv, size_t gradient_stride,
                                       pf_sequences sequences, pf_attention_shape shape, float *scratch) {
    const size_t dim = (size_t)shape.head_dim, heads = (size_t)shape.heads, kv_heads = (size_t)shape.kv_heads;
    const size_t group = heads / kv_heads;
    for (int32_t s = 0; s < sequences.count; s++) {
        const size_t begin = (size_t)sequences.offsets[s], count = (size_t)sequences.offsets[s + 1] - begin;
        const size_t padded = KERNEL(padded)(count);
        float *keys = scratch, *values = keys + dim * padded, *scores = values + dim * padded;
        float *gradients = scores + PF_QUERIES * padded;
        for (size_t i = begin; i < begin + count; i++) {
            memset(dk + i * gradient_stride, 0, kv_heads * dim * sizeof(float));
            memset(dv + i * gradient_stride, 0, kv_heads * dim * sizeof(float));
        }
        for (size_t head = 0; head < heads; head++) {
            const size_t own = head * dim, shared = head / group * dim, first = begin * stride + shared;
            float *dkey = dk + begin * gradient_stride + shared, *dvalue = dv + begin * gradient_stride + shared;
            if (head % group == 0) {
                KERNEL(transpose)(k + first, stride, keys, count, padded, dim);
                KERNEL(transpose)(v + first, stride, values, count, padded, dim);
            }
            for (size_t i = 0; i < count; i += PF_QUERIES) {
                const size_t rows = count - i < PF_QUERIES ? count - i : PF_QUERIES, seen = i + rows;
                const float *query = q + (begin + i) * stride + own, *g = dout + (begin + i) * out_stride + own;
                for (size_t r = 0; r < rows; r += PF_TILE_ROWS) {
                    const size_t some = rows - r < PF_TILE_ROWS ? rows - r : PF_TILE_ROWS;
                    float *tile = scores + r * padded, *gradient = gradients + r * padded;
                    KERNEL(tile_product)(query + r * stride, stride, 1, keys, padded, tile, padded, some, dim,
                                         KERNEL(padded)(seen), false);
                    KERNEL(tile_product)(g + r * out_stride, out_stride, 1, values, padded, gradient, padded, some, dim,
                                         KERNEL(padded)(seen), false);
                    for (size_t row = r; row < r + some; row++) {
                        const size_t token = begin + i + row;
                        const float mean =
                            KERNEL(dot)(g + row * out_stride, out + token * out_stride + own, dim);
                        KERNEL(softmax_row_backward)(scores + row * padded, gradients + row * padded, i + row + 1, seen,
                                                     shape.scale, log_normaliser[token * heads + head], mean);
                    }
                    KERNEL(tile_product)(gradient, padded, 1, k + first, stride,
                                         dq + (begin + i + r) * gradient_stride + own, gradient_stride, some, seen, dim,
                                         false);
                }
                for (size_t j = 0; j < seen; j += PF_TILE_ROWS) {
                    const size_t some = seen - j < PF_TILE_ROWS ? seen - j : PF_TILE_ROWS;
                    KERNEL(tile_product)(gradients + j, 1, padded, query, stride, dkey + j * gradient_stride,
                                         gradient_stride, some, rows, dim, true);
                    KERNEL(tile_product)(scores + j, 1, padded, g, out_stride, dvalue + j * gradient_stride,
                                         gradient_stride, some, rows, dim, true);
                }
            }
        }
    }
}
