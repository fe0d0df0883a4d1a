// Included once per instruction set. See portable.c.

static void KERNEL(rms_norm)(const float *x, const float *restrict weight, float *restrict out, float *rstd,
                             size_t rows, size_t columns, float epsilon) {
    for (size_t row = 0; row < rows; row++) {
        const float *restrict source = x + row * columns;
        float *restrict target = out + row * columns;
        const float scale = 1.0f / sqrtf(KERNEL(dot)(source, source, columns) / (float)columns + epsilon);
        for (size_t i = 0; i < columns; i++) target[i] = source[i] * scale * weight[i];
        if (rstd) rstd[row] = scale;
    }
}

static void KERNEL(rms_norm_backward)(const float *dy, const float *x, const float *restrict weight,
                                      const float *rstd, float *dx, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        const float *restrict g = dy + row * columns;
        const float *restrict source = x + row * columns;
        float *restrict target = dx + row * columns;
        float projection = 0;
        {
#pragma clang fp reassociate(on) contract(fast)
            for (size_t i = 0; i < columns; i++) projection += g[i] * weight[i] * source[i];
        }
        const float scale = rstd[row];
        const float along = projection * scale * scale * scale / (float)columns;
        for (size_t i = 0; i < columns; i++) target[i] += g[i] * weight[i] * scale - source[i] * along;
    }
}

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

static void KERNEL(add_scaled)(const float *x, float alpha, float *y, size_t count) {
    KERNEL(axpy)(alpha, x, y, count);
}

static double KERNEL(sum_of_squares)(const float *x, size_t count) {
#pragma clang fp reassociate(on) contract(fast)
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

static void KERNEL(adamw)(float *restrict parameters, const float *restrict gradients, float *restrict first,
                          float *restrict second, size_t count, float gradient_scale, float learning_rate,
                          float beta1, float beta2, float epsilon, float weight_decay, float correction1,
                          float correction2) {
    const float step = learning_rate / correction1;
    const float root = 1.0f / sqrtf(correction2);
    const float shrink = 1.0f - learning_rate * weight_decay;
    for (size_t i = 0; i < count; i++) {
        const float g = gradients[i] * gradient_scale;
        first[i] = beta1 * first[i] + (1.0f - beta1) * g;
        second[i] = beta2 * second[i] + (1.0f - beta2) * g * g;
        parameters[i] = parameters[i] * shrink - step * first[i] / (sqrtf(second[i]) * root + epsilon);
    }
}
