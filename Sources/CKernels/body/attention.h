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

static void KERNEL(attention)(const float *q, const float *k, const float *v, size_t stride, float *out,
                              size_t out_stride, float *log_normaliser, pf_sequences sequences,
                              pf_attention_shape shape, float *scratch) {
    const size_t dim = (size_t)shape.head_dim;
    const int32_t group = shape.heads / shape.kv_heads;
    for (int32_t s = 0; s < sequences.count; s++) {
        const size_t begin = (size_t)sequences.offsets[s], end = (size_t)sequences.offsets[s + 1];
        for (int32_t head = 0; head < shape.heads; head++) {
            const size_t own = (size_t)head * dim, shared = (size_t)(head / group) * dim;
            const float *keys = k + begin * stride + shared, *values = v + begin * stride + shared;
            for (size_t i = begin; i < end; i++) {
                const float normaliser =
                    KERNEL(attend)(q + i * stride + own, keys, values, stride, stride, i - begin + 1, dim,
                                   shape.scale, out + i * out_stride + own, scratch);
                if (log_normaliser) log_normaliser[i * (size_t)shape.heads + (size_t)head] = normaliser;
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

static void KERNEL(attention_backward)(const float *dout, const float *out, size_t out_stride, const float *q,
                                       const float *k, const float *v, size_t stride, const float *log_normaliser,
                                       float *dq, float *dk, float *dv, size_t gradient_stride,
                                       pf_sequences sequences, pf_attention_shape shape) {
    const size_t dim = (size_t)shape.head_dim;
    const int32_t group = shape.heads / shape.kv_heads;
    for (int32_t s = 0; s < sequences.count; s++) {
        const size_t begin = (size_t)sequences.offsets[s], end = (size_t)sequences.offsets[s + 1];
        for (size_t i = begin; i < end; i++) {
            memset(dq + i * gradient_stride, 0, (size_t)shape.heads * dim * sizeof(float));
            memset(dk + i * gradient_stride, 0, (size_t)shape.kv_heads * dim * sizeof(float));
            memset(dv + i * gradient_stride, 0, (size_t)shape.kv_heads * dim * sizeof(float));
        }
        for (int32_t head = 0; head < shape.heads; head++) {
            const size_t own = (size_t)head * dim, shared = (size_t)(head / group) * dim;
            for (size_t i = begin; i < end; i++) {
                const float *query = q + i * stride + own;
                const float *g = dout + i * out_stride + own;
                const float normaliser = log_normaliser[i * (size_t)shape.heads + (size_t)head];
                const float mean = KERNEL(dot)(g, out + i * out_stride + own, dim);
                for (size_t j = begin; j <= i; j++) {
                    const float *key = k + j * stride + shared;
                    const float score = KERNEL(dot)(query, key, dim) * shape.scale;
                    const float p = KERNEL(exponential)(score - normaliser);
                    const float ds = p * (KERNEL(dot)(g, v + j * stride + shared, dim) - mean) * shape.scale;
                    KERNEL(axpy)(ds, key, dq + i * gradient_stride + own, dim);
                    KERNEL(axpy)(ds, query, dk + j * gradient_stride + shared, dim);
                    KERNEL(axpy)(p, g, dv + j * gradient_stride + shared, dim);
                }
            }
        }
    }
}
