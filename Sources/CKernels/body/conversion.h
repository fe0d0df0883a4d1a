// Included once per instruction set. See portable.c.

static uint16_t KERNEL(nearest_bf16)(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t nearest = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    return (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : nearest);
}

static void KERNEL(to_bf16)(const float *restrict x, size_t stride, uint16_t *restrict out, size_t rows,
                            size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < columns; i++) out[row * columns + i] = KERNEL(nearest_bf16)(x[row * stride + i]);
    }
}

static void KERNEL(from_bf16)(const uint16_t *restrict x, float *restrict out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)x[i] << 16;
        memcpy(out + i, &bits, sizeof bits);
    }
}
