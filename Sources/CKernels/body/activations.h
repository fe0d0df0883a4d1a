// Included once per instruction set. See portable.c.

static void KERNEL(swiglu)(const float *gate_up, float *out, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        const float *restrict gate = gate_up + row * 2 * columns;
        const float *restrict up = gate + columns;
        float *restrict target = out + row * columns;
        for (size_t i = 0; i < columns; i++) target[i] = gate[i] * KERNEL(sigmoid)(gate[i]) * up[i];
    }
}

static void KERNEL(swiglu_backward)(const float *dout, const float *gate_up, float *dgate_up, size_t rows,
                                    size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        const float *restrict g = dout + row * columns;
        const float *restrict gate = gate_up + row * 2 * columns;
        const float *restrict up = gate + columns;
        float *restrict dgate = dgate_up + row * 2 * columns;
        float *restrict dup = dgate + columns;
        for (size_t i = 0; i < columns; i++) {
            const float s = KERNEL(sigmoid)(gate[i]);
            dgate[i] = g[i] * up[i] * s * (1.0f + gate[i] * (1.0f - s));
            dup[i] = g[i] * gate[i] * s;
        }
    }
}

/// gelu(x) = x * s with s = sigmoid(2u), because (1 + tanh(u)) / 2 = sigmoid(2u), u = sqrt(2 / pi) (x + 0.044715 x^3).
/// Gives e^-2u, from which both s and 1 - s follow without cancellation. Beyond 12 the cube would only overflow.
static inline float KERNEL(gelu_exponential)(float x) {
    const float c = x < -12.0f ? -12.0f : (x > 12.0f ? 12.0f : x);
    return KERNEL(exponential)(-1.59576912160573071f * c * (1.0f + 0.044715f * c * c));
}

/// A row stays in the first cache until its activation reads it again.
static inline void KERNEL(add_bias)(float *restrict x, const float *restrict bias, size_t columns) {
    if (bias == NULL) return;
    for (size_t i = 0; i < columns; i++) x[i] += bias[i];
}

static void KERNEL(gelu)(float *x, const float *bias, float *out, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++, x += columns, out += columns) {
        KERNEL(add_bias)(x, bias, columns);
        // The output may be the input: element by element, nothing is read after it was written.
#pragma clang loop vectorize(assume_safety)
        for (size_t i = 0; i < columns; i++) {
            const float e = KERNEL(gelu_exponential)(x[i]);
            out[i] = (x[i] < -12.0f ? -12.0f : x[i]) / (1.0f + e);
        }
    }
}

static void KERNEL(gelu_backward)(const float *dout, const float *x, float *dx, size_t count) {
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < count; i++) {
        const float c = x[i] < -12.0f ? -12.0f : (x[i] > 12.0f ? 12.0f : x[i]);
        const float e = KERNEL(gelu_exponential)(c), s = 1.0f / (1.0f + e);
        const float slope = 1.59576912160573071f * (1.0f + 3.0f * 0.044715f * c * c);
        dx[i] = dout[i] * s * (1.0f + c * slope * (e * s));
    }
}

static void KERNEL(relu)(float *x, const float *bias, float *out, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++, x += columns, out += columns) {
        KERNEL(add_bias)(x, bias, columns);
        // Written so that NaN stays NaN.
#pragma clang loop vectorize(assume_safety)
        for (size_t i = 0; i < columns; i++) out[i] = x[i] < 0.0f ? 0.0f : x[i];
    }
}

static void KERNEL(relu_backward)(const float *dout, const float *x, float *dx, size_t count) {
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < count; i++) dx[i] = x[i] <= 0.0f ? 0.0f : dout[i];
}
