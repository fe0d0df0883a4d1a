// Included once per instruction set. See portable.c.

static void KERNEL(rotate)(float *x, size_t stride, size_t rows, size_t heads, size_t head_dim,
                           const int32_t *positions, const float *cosine, const float *sine, float direction) {
    const size_t half = head_dim / 2;
    for (size_t row = 0; row < rows; row++) {
        const float *restrict c = cosine + (size_t)positions[row] * half;
        const float *restrict s = sine + (size_t)positions[row] * half;
        for (size_t head = 0; head < heads; head++) {
            float *restrict low = x + row * stride + head * head_dim;
            float *restrict high = low + half;
            for (size_t i = 0; i < half; i++) {
                const float a = low[i], b = high[i], turn = s[i] * direction;
                low[i] = a * c[i] - b * turn;
                high[i] = b * c[i] + a * turn;
            }
        }
    }
}

static void KERNEL(add_scaled)(const float *x, float alpha, float *y, size_t count) {
    KERNEL(axpy)(alpha, x, y, count);
}

static double KERNEL(sum_of_squares)(const float *x, size_t count) {
#pragma clang fp reassociate(on) contract(fast)
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}
