#pragma once
#include <stdbool.h>
#include <stdint.h>

/// oneDNN's products, where the library is installed: it is looked for at run time, and nothing of it is needed to build.

/// Whether the library was found. The first call looks for it.
bool pf_onednn_found(void);

/// The library's version, such as 2.6.3; zeros when it was not found.
void pf_onednn_version(int version[3]);

/// c = alpha * op(a) * op(b) + beta * c, row by row, on the calling thread alone. 't' transposes, 'n' does not.
///
/// Returns whether it was computed: not without the library, when the library has no memory, or when the process ends.
bool pf_onednn_sgemm(char a_orientation, char b_orientation, int64_t m, int64_t n, int64_t k, float alpha,
                     const float *a, int64_t a_stride, const float *b, int64_t b_stride, float beta, float *c,
                     int64_t c_stride);
