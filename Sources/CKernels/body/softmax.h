// Included once per instruction set. See portable.c.

static void KERNEL(softmax_merge)(const float *logits, size_t stride, float *largest, float *sum, size_t rows,
                                  size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        const float *restrict source = logits + row * stride;
        float top = largest[row];
        for (size_t i = 0; i < columns; i++) top = source[i] > top ? source[i] : top;
        float part = 0;
        {
#pragma clang fp reassociate(on) contract(fast)
            for (size_t i = 0; i < columns; i++) part += KERNEL(exponential)(source[i] - top);
        }
        sum[row] = sum[row] * (sum[row] > 0 ? KERNEL(exponential)(largest[row] - top) : 0.0f) + part;
        largest[row] = top;
    }
}

static void KERNEL(softmax_probabilities)(float *logits, size_t stride, const float *log_normaliser, float scale,
                                          size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        float *restrict target = logits + row * stride;
        const float normaliser = log_normaliser[row];
        for (size_t i = 0; i < columns; i++) target[i] = KERNEL(exponential)(target[i] - normaliser) * scale;
    }
}
