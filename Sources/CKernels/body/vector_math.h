// Included once per instruction set, between KERNEL's definition and its end. See portable.c.

/// e^x to about two units in the last place, in a form that vectorises: 2^n by the exponent bits, 2^f by a polynomial.
static inline float KERNEL(exponential)(float x) {
    const float clamped = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    const float shifter = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer.
    const float n = (clamped * 1.44269504088896341f + shifter) - shifter;
    const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    union { int32_t bits; float value; } power = { .bits = ((int32_t)n + 127) << 23 };
    return p * power.value;
}

static inline float KERNEL(sigmoid)(float x) { return 1.0f / (1.0f + KERNEL(exponential)(-x)); }

static inline float KERNEL(dot)(const float *restrict a, const float *restrict b, size_t count) {
#pragma clang fp reassociate(on) contract(fast)
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

static inline void KERNEL(axpy)(float alpha, const float *restrict x, float *restrict y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] += alpha * x[i];
}
