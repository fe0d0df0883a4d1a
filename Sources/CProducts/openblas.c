#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "CProducts.h"

bool pf_has_avx512(void) {
#if defined(__x86_64__)
    return getenv("PERMAFROST_PROCESSOR") == NULL && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

/// OpenBLAS's kernels for AVX2 sum the last rows of a product in another order than the ones before, so that a token's bits
/// depend on how many others are in its batch. Those for AVX-512 hardly do, and those for AVX do not.
static const char *better_kernels(const char *core) {
    if (strcmp(core, "Haswell") != 0 && strcmp(core, "Zen") != 0 && strcmp(core, "Excavator") != 0) return NULL;
    return pf_has_avx512() ? "SkylakeX" : "Sandybridge";
}

/// The library chooses when it is loaded, and does so again when it is asked to.
static void choose(void) {
    static const char variable[] = "OPENBLAS_CORETYPE";
    const char *(*core)(void) = (const char *(*)(void))dlsym(RTLD_DEFAULT, "openblas_get_corename");
    void (*forget)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "gotoblas_dynamic_quit");
    void (*look)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "gotoblas_dynamic_init");
    if (core == NULL || forget == NULL || look == NULL) return;
    const char *better = better_kernels(core());
    if (better == NULL) return;
    const char *set = getenv(variable);
    char *before = set != NULL ? strdup(set) : NULL;
    setenv(variable, better, 1);
    forget();
    look();
    if (before != NULL) {
        setenv(variable, before, 1);
        free(before);
    } else {
        unsetenv(variable);
    }
}

void pf_openblas_choose(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, choose);
}
