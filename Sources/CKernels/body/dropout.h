// Included once per instruction set. See portable.c.

/// Spreads every bit of a word over all bits: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
static inline uint64_t KERNEL(mix)(uint64_t z) {
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/// Uniform bits of one column. 32-bit steps only, which vectorise; a row's key enters before and between the rounds,
/// so that no two rows are shifted copies of each other.
static inline uint32_t KERNEL(column_bits)(uint64_t key, uint32_t column) {
    uint32_t h = column * 0x9E3779B9u + (uint32_t)key;
    h = (h ^ (h >> 16)) * 0x7FEB352Du;
    h ^= (uint32_t)(key >> 32);
    h = (h ^ (h >> 15)) * 0x846CA68Bu;
    return h ^ (h >> 16);
}

static void KERNEL(dropout)(const float *x, size_t x_stride, float *out, size_t out_stride, size_t rows,
                            size_t columns, pf_dropout mask) {
    const uint64_t site = KERNEL(mix)(mask.site_key);
    for (size_t row = 0; row < rows; row++) {
        const uint64_t key = KERNEL(mix)(mask.row_keys[row] ^ site);
        const float *source = x + row * x_stride;
        float *target = out + row * out_stride;
        // The output may be the input.
#pragma clang loop vectorize(assume_safety)
        for (uint32_t i = 0; i < (uint32_t)columns; i++) {
            target[i] = KERNEL(column_bits)(key, i) >= mask.threshold ? source[i] * mask.scale : 0.0f;
        }
    }
}

static void KERNEL(add_dropout)(const float *x, size_t x_stride, float *y, size_t y_stride, size_t rows,
                                size_t columns, pf_dropout mask) {
    const uint64_t site = KERNEL(mix)(mask.site_key);
    for (size_t row = 0; row < rows; row++) {
        const uint64_t key = KERNEL(mix)(mask.row_keys[row] ^ site);
        const float *restrict source = x + row * x_stride;
        float *restrict target = y + row * y_stride;
        for (uint32_t i = 0; i < (uint32_t)columns; i++) {
            target[i] += KERNEL(column_bits)(key, i) >= mask.threshold ? source[i] * mask.scale : 0.0f;
        }
    }
}
