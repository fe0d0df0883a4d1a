// Included once per instruction set. See portable.c.

static void KERNEL(attention)(const float *q, const float *k, const float *v, size_t stride, float *out,
                              size_t out_stride, float *log_normaliser, pf_sequences sequences,
                              pf_attention_shape shape, float *scratch) {
    const size_t dim = (size_t)shape.head_dim;
    const int32_t group = shape.heads / shape.kv_heads;
    for (int32_t s = 0; s < sequences.count; s++) {
        const size_t begin = (size_t)sequences.offsets[s], end = (size_t)sequences.offsets[s + 1];
        for (int32_t head = 0; head < shape.heads; head++) {
            const size_t own = (size_t)head * dim, shared = (size_t)(head / group) * dim;
            for (size_t i = begin; i < end; i++) {
                const float *query = q + i * stride + own;
                float largest = -INFINITY;
                for (size_t j = begin; j <= i; j++) {
                    const float score = KERNEL(dot)(query, k + j * stride + shared, dim) * shape.scale;
                    scratch[j - begin] = score;
                    largest = score > largest ? score : largest;
                }
                const size_t seen = i - begin + 1;
                float sum = 0;
                for (size_t j = 0; j < seen; j++) scratch[j] = KERNEL(exponential)(scratch[j] - largest);
                for (size_t j = 0; j < seen; j++) sum += scratch[j];
                const float inverse = 1.0f / sum;
                float *restrict target = out + i * out_stride + own;
                for (size_t d = 0; d < dim; d++) target[d] = 0;
                for (size_t j = 0; j < seen; j++) {
                    KERNEL(axpy)(scratch[j] * inverse, v + (begin + j) * stride + shared, target, dim);
                }
                if (log_normaliser) log_normaliser[i * (size_t)shape.heads + (size_t)head] = largest + logf(sum);
            }
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
