// Included once per instruction set, after blocks.h. See portable.c.

// Marks the largest magnitudes with -1, of equal ones the first.
static void KERNEL(mark_largest)(int32_t *magnitudes, size_t count, size_t wanted) {
    for (size_t found = 0; found < wanted; found++) {
        int32_t largest = 0;
        for (size_t i = 0; i < count; i++) largest = magnitudes[i] > largest ? magnitudes[i] : largest;
        size_t place = 0;
        while (magnitudes[place] != largest) place++;
        magnitudes[place] = -1;
    }
}

static void KERNEL(to_residuals)(const float *restrict x, uint8_t *restrict out, size_t rows, size_t columns,
                                 size_t pairs, float *restrict errors, int32_t *restrict magnitudes) {
    for (size_t row = 0; row < rows; row++) {
        const float *values = x + row * columns;
        KERNEL(to_blocks)(values, out, 1, columns, 4);
        KERNEL(from_blocks)(out, errors, 1, columns, 4);
        out += KERNEL(block_bytes)(columns, 4);
        for (size_t i = 0; i < columns; i++) {
            errors[i] = values[i] - errors[i];
            memcpy(magnitudes + i, errors + i, sizeof *magnitudes);
            magnitudes[i] &= 0x7FFFFFFF;
        }
        KERNEL(mark_largest)(magnitudes, columns, pairs);
        for (size_t i = 0; i < columns; i++) {
            if (magnitudes[i] >= 0) continue;
            uint16_t pair[2] = {(uint16_t)i, KERNEL(nearest_bf16)(errors[i])};
            memcpy(out, pair, sizeof pair);
            out += sizeof pair;
        }
    }
}

static void KERNEL(from_residuals)(const uint8_t *restrict x, float *restrict out, size_t rows, size_t columns,
                                   size_t pairs) {
    for (size_t row = 0; row < rows; row++) {
        float *values = out + row * columns;
        KERNEL(from_blocks)(x, values, 1, columns, 4);
        x += KERNEL(block_bytes)(columns, 4);
        size_t next = 0;
        for (size_t i = 0; i < pairs; i++) {
            uint16_t pair[2];
            memcpy(pair, x, sizeof pair);
            x += sizeof pair;
            // Whatever they say, each number gets one of them at most.
            if (pair[0] < next || pair[0] >= columns) continue;
            values[pair[0]] += KERNEL(widened)(pair[1]);
            next = (size_t)pair[0] + 1;
        }
    }
}
