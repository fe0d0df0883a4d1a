// Included once per instruction set, after vector_math.h. See portable.c.

/// c = a b, or c += a b, of up to PF_TILE_ROWS rows. Each instruction set names these and PF_TILE_COLUMNS such that sums stay
/// in registers. a's rows lie `a_row` apart and the numbers of one `a_inner` apart, so that it may be a transpose; b and c are
/// row-major.
static inline void KERNEL(tile_product)(const float *a, size_t a_row, size_t a_inner, const float *b, size_t b_stride,
                                        float *c, size_t c_stride, size_t rows, size_t inner, size_t columns, bool add) {
    // Rows beyond the last compute what it does, and are not written.
    const float *row[PF_TILE_ROWS];
    for (size_t r = 0; r < PF_TILE_ROWS; r++) row[r] = a + (r < rows ? r : rows - 1) * a_row;
    size_t j = 0;
    for (; j + PF_TILE_COLUMNS <= columns; j += PF_TILE_COLUMNS) {
        float sum[PF_TILE_ROWS][PF_TILE_COLUMNS] = {{0}};
        for (size_t k = 0; k < inner; k++) {
            const float *line = b + k * b_stride + j;
            for (size_t r = 0; r < PF_TILE_ROWS; r++) {
                const float factor = row[r][k * a_inner];
                for (size_t l = 0; l < PF_TILE_COLUMNS; l++) sum[r][l] += factor * line[l];
            }
        }
        for (size_t r = 0; r < rows; r++) {
            float *target = c + r * c_stride + j;
            if (add) {
                for (size_t l = 0; l < PF_TILE_COLUMNS; l++) target[l] += sum[r][l];
            } else {
                for (size_t l = 0; l < PF_TILE_COLUMNS; l++) target[l] = sum[r][l];
            }
        }
    }
    for (; j < columns; j++) {
        for (size_t r = 0; r < rows; r++) {
            float sum = add ? c[r * c_stride + j] : 0;
            for (size_t k = 0; k < inner; k++) sum += row[r][k * a_inner] * b[k * b_stride + j];
            c[r * c_stride + j] = sum;
        }
    }
}

typedef float KERNEL(eight) __attribute__((vector_size(32), aligned(4)));

/// Eight rows of eight floats, transposed: pairs of rows change places in steps of one, two and four columns.
static inline void KERNEL(transpose_eight)(const float *x, size_t stride, float *restrict out, size_t out_stride) {
    KERNEL(eight) a[8], b[8];
    for (size_t i = 0; i < 8; i++) a[i] = *(const KERNEL(eight) *)(x + i * stride);
    for (size_t i = 0; i < 8; i += 2) {
        b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (size_t i = 0; i < 8; i += 4) {
        for (size_t l = i; l < i + 2; l++) {
            a[l] = __builtin_shufflevector(b[l], b[l + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            a[l + 2] = __builtin_shufflevector(b[l], b[l + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        b[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        b[i + 4] = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (size_t i = 0; i < 8; i++) *(KERNEL(eight) *)(out + i * out_stride) = b[i];
}

/// out[columns][padded] = x transposed, with zeros beyond its rows.
static inline void KERNEL(transpose)(const float *x, size_t stride, float *restrict out, size_t rows, size_t padded,
                                     size_t columns) {
    const size_t whole_rows = rows / 8 * 8, whole_columns = columns / 8 * 8;
    for (size_t i = 0; i < whole_rows; i += 8) {
        for (size_t d = 0; d < whole_columns; d += 8) {
            KERNEL(transpose_eight)(x + i * stride + d, stride, out + d * padded + i, padded);
        }
    }
    for (size_t d = 0; d < columns; d++) {
        for (size_t i = d < whole_columns ? whole_rows : 0; i < padded; i++) {
            out[d * padded + i] = i < rows ? x[i * stride + d] : 0;
        }
    }
}

static inline size_t KERNEL(padded)(size_t count) {
    return (count + PF_TILE_COLUMNS - 1) / PF_TILE_COLUMNS * PF_TILE_COLUMNS;
}
