// Included once per instruction set. See portable.c.

static uint16_t KERNEL(nearest_bf16)(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t nearest = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    return (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : nearest);
}

static float KERNEL(widened)(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

static void KERNEL(to_bf16)(const float *restrict x, size_t stride, void *restrict out, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        uint8_t *target = (uint8_t *)out + row * columns * 2;
        for (size_t i = 0; i < columns; i++) {
            uint16_t nearest = KERNEL(nearest_bf16)(x[row * stride + i]);
            memcpy(target + i * 2, &nearest, sizeof nearest);
        }
    }
}

static void KERNEL(from_bf16)(const void *restrict x, float *restrict out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, (const uint8_t *)x + i * 2, sizeof bits);
        out[i] = KERNEL(widened)(bits);
    }
}
