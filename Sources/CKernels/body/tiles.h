// Included once per instruction set, after vector_math.h. See portable.c.

// Rows, and the columns that each instruction set names, whose sums stay in registers.
#define PF_TILE_ROWS 4

/// Of up to four rows: c = a b, or c += a b. a's rows lie `a_row` apart and the numbers of one `a_inner` apart, so that
/// it may be a transpose; b and c are row-major.
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

/// out[columns][padded] = x transposed, with zeros beyond its rows.
static inline void KERNEL(transpose)(const float *x, size_t stride, float *restrict out, size_t rows, size_t padded,
                                     size_t columns) {
    for (size_t first = 0; first < padded; first += PF_TILE_COLUMNS) {
        for (size_t d = 0; d < columns; d++) {
            float *target = out + d * padded + first;
            for (size_t l = 0; l < PF_TILE_COLUMNS; l++) {
                target[l] = first + l < rows ? x[(first + l) * stride + d] : 0;
            }
        }
    }
}

static inline size_t KERNEL(padded)(size_t count) {
    return (count + PF_TILE_COLUMNS - 1) / PF_TILE_COLUMNS * PF_TILE_COLUMNS;
}
