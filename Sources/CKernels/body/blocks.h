// Included once per instruction set, after conversion.h. See portable.c.
//
// Nothing here may depend on the instruction set: there is no product followed by a sum, which one set would round once
// and another twice.

// The largest magnitude over the largest code. A scale that is not a number stands for a block that has one.
static uint16_t KERNEL(block_scale)(const float *restrict x, size_t count, int bits) {
    int32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t magnitude;
        memcpy(&magnitude, x + i, sizeof magnitude);
        magnitude &= 0x7FFFFFFF;
        largest = magnitude > largest ? magnitude : largest;
    }
    if (largest >= 0x7F800000) return 0x7FC0;
    float magnitude;
    memcpy(&magnitude, &largest, sizeof magnitude);
    uint16_t scale = KERNEL(nearest_bf16)(magnitude / (float)((1 << (bits - 1)) - 1));
    // Below the normal numbers a scale has too few bits to divide by; above this one, its codes would be infinite.
    uint16_t smallest = 0x0080, biggest = (uint16_t)((255 - bits) << 7 | 0x7F);
    if (scale < smallest) return 0;
    return scale < biggest ? scale : biggest;
}

static void KERNEL(block_codes)(const float *restrict x, size_t count, float scale, float limit,
                                int8_t *restrict codes) {
    // Adding and taking away 1.5 * 2^23 rounds to nearest, ties to even, on every processor.
    const float rounder = 12582912.0f;
    for (size_t i = 0; i < count; i++) {
        float code = (x[i] / scale + rounder) - rounder;
        code = code < limit ? code : limit;
        code = code > -limit ? code : -limit;
        codes[i] = (int8_t)(int32_t)code;
    }
}

// Bytes of a row.
static size_t KERNEL(block_bytes)(size_t columns, int bits) {
    size_t blocks = columns / PF_BLOCK_VALUES, rest = columns % PF_BLOCK_VALUES, half = bits == 4;
    return blocks * (2 + (PF_BLOCK_VALUES >> half)) + (rest > 0 ? 2 + ((rest + half) >> half) : 0);
}

static void KERNEL(to_blocks)(const float *restrict x, uint8_t *restrict out, size_t rows, size_t columns, int bits) {
    const float limit = (float)((1 << (bits - 1)) - 1);
    for (size_t row = 0; row < rows; row++) {
        for (size_t start = 0; start < columns; start += PF_BLOCK_VALUES) {
            size_t count = columns - start < PF_BLOCK_VALUES ? columns - start : PF_BLOCK_VALUES;
            const float *values = x + row * columns + start;
            uint16_t scale = KERNEL(block_scale)(values, count, bits);
            // The code after the last one fills up the last byte.
            int8_t codes[PF_BLOCK_VALUES + 1] = {0};
            if (scale != 0 && scale != 0x7FC0) {
                KERNEL(block_codes)(values, count, KERNEL(widened)(scale), limit, codes);
            }
            memcpy(out, &scale, sizeof scale);
            out += sizeof scale;
            if (bits == 8) {
                memcpy(out, codes, count);
                out += count;
            } else {
                for (size_t i = 0; i < (count + 1) / 2; i++) {
                    out[i] = (uint8_t)((codes[2 * i] + 8) | (codes[2 * i + 1] + 8) << 4);
                }
                out += (count + 1) / 2;
            }
        }
    }
}

static void KERNEL(from_blocks)(const uint8_t *restrict x, float *restrict out, size_t rows, size_t columns,
                                int bits) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t start = 0; start < columns; start += PF_BLOCK_VALUES) {
            size_t count = columns - start < PF_BLOCK_VALUES ? columns - start : PF_BLOCK_VALUES;
            float *values = out + row * columns + start;
            uint16_t bf16;
            memcpy(&bf16, x, sizeof bf16);
            const float scale = KERNEL(widened)(bf16);
            x += sizeof bf16;
            if (bits == 8) {
                for (size_t i = 0; i < count; i++) values[i] = (float)(int8_t)x[i] * scale;
                x += count;
            } else {
                for (size_t i = 0; i < count / 2; i++) {
                    values[2 * i] = (float)((x[i] & 15) - 8) * scale;
                    values[2 * i + 1] = (float)((x[i] >> 4) - 8) * scale;
                }
                if (count % 2 == 1) values[count - 1] = (float)((x[count / 2] & 15) - 8) * scale;
                x += (count + 1) / 2;
            }
        }
    }
}
