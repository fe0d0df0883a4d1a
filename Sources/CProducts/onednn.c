#include "CProducts.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

typedef int (*sgemm_function)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *,
                              int64_t, float, float *, int64_t);
typedef int (*bf16_function)(char, char, int64_t, int64_t, int64_t, float, const uint16_t *, int64_t, const uint16_t *,
                             int64_t, float, float *, int64_t);
typedef void (*threads_function)(int);

/// The head of the structure that dnnl_version gives, which has kept its place through all versions.
typedef struct {
    int numbers[3];
} version_head;
typedef const version_head *(*version_function)(void);

static struct {
    sgemm_function sgemm;
    bf16_function bf16;
    threads_function set_threads;
    version_function version;
} library;
static bool is_found;

/// Without the processor's instructions for it, the library is slower than with floats.
static bool multiplies_bf16(void) {
#if defined(__x86_64__)
    return library.bf16 != NULL && __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

/// Lets the library make its kernels and register what gives them back, before the gate is registered.
static void make_kernels(void) {
    static const char orientations[] = {'n', 't'};
    static float a[64 * 64], b[64 * 64], c[64 * 64];
    static uint16_t a_bf16[64 * 64], b_bf16[64 * 64];
    for (int64_t m = 4; m <= 64; m += 60) {
        for (size_t i = 0; i < 4; i++) {
            library.sgemm(orientations[i / 2], orientations[i % 2], m, 64, 64, 1, a, 64, b, 64, 0, c, 64);
            if (!multiplies_bf16()) continue;
            library.bf16('n', orientations[i % 2], m, 64, 64, 1, a_bf16, 64, b_bf16, 64, 0, c, 64);
        }
    }
}

static void look(void) {
    static const char *const names[] = {"libdnnl.so.3", "libdnnl.so.2"};
    void *handle = NULL;
    for (size_t i = 0; handle == NULL && i < sizeof names / sizeof *names; i++) {
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (handle == NULL) return;
    library.version = (version_function)dlsym(handle, "dnnl_version");
    // Of the OpenMP that the library brings; a build with another runtime has none.
    library.set_threads = (threads_function)dlsym(handle, "omp_set_num_threads");
    library.sgemm = (sgemm_function)dlsym(handle, "dnnl_sgemm");
    if (library.sgemm == NULL || library.set_threads == NULL) return;
    // Exported, though no header declares it.
    library.bf16 = (bf16_function)dlsym(handle, "dnnl_gemm_bf16bf16f32");
    library.set_threads(1);
    make_kernels();
    is_found = true;
}

static void look_once(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look);
}

bool pf_onednn_found(void) {
    look_once();
    return is_found;
}

void pf_onednn_version(int version[3]) {
    const version_head *found = pf_onednn_found() && library.version != NULL ? library.version() : NULL;
    for (size_t i = 0; i < 3; i++) version[i] = found != NULL ? found->numbers[i] : 0;
}

/// OpenMP keeps the number for each thread that calls it.
static void use_calling_thread_only(void) {
    static _Thread_local bool is_alone;
    if (!is_alone) {
        library.set_threads(1);
        is_alone = true;
    }
}

bool pf_onednn_sgemm(char a_orientation, char b_orientation, int64_t m, int64_t n, int64_t k, float alpha,
                     const float *a, int64_t a_stride, const float *b, int64_t b_stride, float beta, float *c,
                     int64_t c_stride) {
    if (!pf_onednn_found()) return false;
    use_calling_thread_only();
    return library.sgemm(a_orientation, b_orientation, m, n, k, alpha, a, a_stride, b, b_stride, beta, c, c_stride) == 0;
}

bool pf_onednn_multiplies_bf16(void) { return pf_onednn_found() && multiplies_bf16(); }

bool pf_onednn_gemm_bf16(char b_orientation, int64_t m, int64_t n, int64_t k, const uint16_t *a, int64_t a_stride,
                         const uint16_t *b, int64_t b_stride, float beta, float *c, int64_t c_stride) {
    if (!pf_onednn_multiplies_bf16()) return false;
    use_calling_thread_only();
    return library.bf16('n', b_orientation, m, n, k, 1, a, a_stride, b, b_stride, beta, c, c_stride) == 0;
}
