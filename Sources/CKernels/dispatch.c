#include "CKernels.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
extern const pf_kernels pf_kernels_avx2;
#endif

const pf_kernels *pf_kernels_best(void) {
#if defined(__x86_64__)
    const char *limit = getenv(PF_PROCESSOR_VARIABLE);
    if (limit != NULL && strcmp(limit, "portable") == 0) return &pf_kernels_portable;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &pf_kernels_avx2;
#endif
    return &pf_kernels_portable;
}
