#include "CKernels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
extern const pf_kernels pf_kernels_avx2, pf_kernels_avx512;

/// Whether AVX-512 is more than the same work in longer instructions: the units of AMD's family 19h, which came first with
/// both, are half as wide as the registers. Of Intel's, those that multiply bfloat16 numbers do not slow down for it.
static bool has_wide_units(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bf16") && !__builtin_cpu_is("amdfam19h");
}
#endif

const pf_kernels *pf_kernels_best(void) {
#if defined(__x86_64__)
    const char *limit = getenv(PF_PROCESSOR_VARIABLE);
    if (limit != NULL && strcmp(limit, "portable") == 0) return &pf_kernels_portable;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return limit == NULL && has_wide_units() ? &pf_kernels_avx512 : &pf_kernels_avx2;
    }
#endif
    return &pf_kernels_portable;
}
