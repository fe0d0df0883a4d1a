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

static void KERNEL(rms_norm_weight_gradient)(const float *dy, const float *x, const float *rstd,
                                             float *restrict dweight, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        const float *g = dy + row * columns, *source = x + row * columns;
        const float scale = rstd[row];
        for (size_t i = 0; i < columns; i++) dweight[i] += g[i] * source[i] * scale;
    }
}

static void KERNEL(layer_norm)(const float *x, const float *restrict weight, const float *restrict bias,
                               float *restrict out, float *mean, float *rstd, size_t rows, size_t columns,
                               float epsilon) {
    for (size_t row = 0; row < rows; row++) {
        const float *restrict source = x + row * columns;
        float *restrict target = out + row * columns;
        float sum = 0, squares = 0;
        {
#pragma clang fp reassociate(on) contract(fast)
            for (size_t i = 0; i < columns; i++) sum += source[i];
        }
        const float centre = sum / (float)columns;
        {
#pragma clang fp reassociate(on) contract(fast)
            for (size_t i = 0; i < columns; i++) squares += (source[i] - centre) * (source[i] - centre);
        }
        const float scale = 1.0f / sqrtf(squares / (float)columns + epsilon);
        for (size_t i = 0; i < columns; i++) target[i] = (source[i] - centre) * scale * weight[i] + bias[i];
        if (mean) mean[row] = centre;
        if (rstd) rstd[row] = scale;
    }
}

static void KERNEL(layer_norm_backward)(const float *dy, const float *x, const float *restrict weight,
                                        const float *mean, const float *rstd, float *dx, size_t rows,
                                        size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        const float *restrict g = dy + row * columns;
        const float *restrict source = x + row * columns;
        float *restrict target = dx + row * columns;
        const float centre = mean[row], scale = rstd[row];
        float sum = 0, projection = 0;
        {
#pragma clang fp reassociate(on) contract(fast)
            for (size_t i = 0; i < columns; i++) {
                sum += g[i] * weight[i];
                projection += g[i] * weight[i] * (source[i] - centre);
            }
        }
        const float across = sum / (float)columns;
        const float along = projection * scale * scale / (float)columns;
        for (size_t i = 0; i < columns; i++) {
            target[i] += scale * (g[i] * weight[i] - across - (source[i] - centre) * along);
        }
    }
}

static void KERNEL(layer_norm_weight_gradients)(const float *dy, const float *x, const float *mean,
                                                const float *rstd, float *restrict dweight, float *restrict dbias,
                                                size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        const float *g = dy + row * columns, *source = x + row * columns;
        const float centre = mean[row], scale = rstd[row];
        for (size_t i = 0; i < columns; i++) {
            dweight[i] += g[i] * (source[i] - centre) * scale;
            dbias[i] += g[i];
        }
    }
}
