// Included once per instruction set. See portable.c.

static void KERNEL(softmax_statistics)(const float *logits, size_t stride, float *largest, float *sum, ptrdiff_t *best,
                                       size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        const float *restrict source = logits + row * stride;
        float top = -INFINITY, part = 0;
        for (size_t i = 0; i < columns; i++) top = source[i] > top ? source[i] : top;
        {
#pragma clang fp reassociate(on) contract(fast)
            for (size_t i = 0; i < columns; i++) part += KERNEL(exponential)(source[i] - top);
        }
        // A second look is cheaper than a place for every candidate of the first.
        size_t place = 0;
        while (place < columns && source[place] != top) place++;
        best[row] = (ptrdiff_t)(place < columns ? place : 0);
        largest[row] = top;
        sum[row] = part;
    }
}

static void KERNEL(softmax_probabilities)(float *logits, size_t stride, const float *log_normaliser, size_t rows,
                                          size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        float *restrict target = logits + row * stride;
        const float normaliser = log_normaliser[row];
        for (size_t i = 0; i < columns; i++) target[i] = KERNEL(exponential)(target[i] - normaliser);
    }
}
