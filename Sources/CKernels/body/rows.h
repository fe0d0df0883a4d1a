// Included once per instruction set. See portable.c.

static void KERNEL(add_row)(const float *restrict row_values, float *x, size_t stride, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        float *restrict target = x + row * stride;
        for (size_t i = 0; i < columns; i++) target[i] += row_values[i];
    }
}

static void KERNEL(add_column_sums)(const float *x, size_t stride, float *restrict sums, size_t rows,
                                    size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        const float *restrict source = x + row * stride;
        for (size_t i = 0; i < columns; i++) sums[i] += source[i];
    }
}
