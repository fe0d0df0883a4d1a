#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Every product of any library stands between these two. OpenBLAS and oneDNN give their memory and kernels back when the
/// process ends, while other threads may still be in them: a process that ends waits for products under way, and a thread
/// that would begin one then stands still until it is gone.
void pf_product_begin(void);
void pf_product_end(void);

/// What takes most of a step.
typedef enum { PF_WORK_PRODUCT, PF_WORK_ATTENTION, PF_WORK_KINDS } pf_work;

/// Counts the processor's time of all threads in products and in attention, from now on.
void pf_work_measure(void);
/// When work began, for pf_work_end; 0 when nothing counts.
int64_t pf_work_begin(void);
void pf_work_end(pf_work kind, int64_t begun);
/// Of all threads since pf_work_measure.
double pf_work_seconds(pf_work kind);

/// Whether this processor has AVX-512, and is not taken for an older one.
bool pf_has_avx512(void);

/// Has OpenBLAS use kernels with which what comes out for a row of a product does not depend on the other rows. The first
/// product does it; nothing of OpenBLAS may run before.
void pf_openblas_choose(void);

/// Whether oneDNN is on this machine. It is looked for at run time, by the first call; nothing of it is needed to build.
bool pf_onednn_found(void);

/// oneDNN's version, such as 2.6.3; zeros when it was not found.
void pf_onednn_version(int version[3]);

/// c = alpha * op(a) * op(b) + beta * c, row by row, on the calling thread alone. 't' transposes, 'n' does not.
///
/// Returns whether it was computed: not without the library, and not when the library has no memory.
bool pf_onednn_sgemm(char a_orientation, char b_orientation, int64_t m, int64_t n, int64_t k, float alpha,
                     const float *a, int64_t a_stride, const float *b, int64_t b_stride, float beta, float *c,
                     int64_t c_stride);

/// Whether oneDNN is there and this processor multiplies bfloat16 numbers.
bool pf_onednn_multiplies_bf16(void);

/// c = a * op(b) + beta * c of bfloat16 numbers, summed as floats, row by row, on the calling thread alone.
///
/// Returns whether it was computed, as pf_onednn_sgemm does.
bool pf_onednn_gemm_bf16(char b_orientation, int64_t m, int64_t n, int64_t k, const uint16_t *a, int64_t a_stride,
                         const uint16_t *b, int64_t b_stride, float beta, float *c, int64_t c_stride);

/// Bytes of a factor w of n rows and k columns that is packed once, so that no product with its transpose packs it again;
/// 0 where the library packs nothing. Its numbers are floats, or bfloat16 where the processor multiplies these.
size_t pf_onednn_packed_bytes(bool is_bf16, int64_t n, int64_t k);

/// Packs a factor. Returns whether it did.
bool pf_onednn_pack(bool is_bf16, int64_t n, int64_t k, const void *w, int64_t w_stride, void *packed);

/// c = a * transpose of w + beta * c with a packed w, to the bit what it is with w as it was.
///
/// Returns whether it was computed.
bool pf_onednn_multiply_packed(bool is_bf16, int64_t m, int64_t n, int64_t k, const void *a, int64_t a_stride,
                               const void *packed, float beta, float *c, int64_t c_stride);

/// Who needs memory of a thread: one operation, and a product inside it.
typedef enum { PF_SCRATCH_OPERATION, PF_SCRATCH_PRODUCT, PF_SCRATCH_USES } pf_scratch;

/// Memory of the calling thread, aligned to a cache line, whose contents are undefined: the same at each call, larger when
/// more is asked for, given back when the thread ends. NULL when there is none.
void *pf_thread_scratch(pf_scratch use, size_t bytes);
