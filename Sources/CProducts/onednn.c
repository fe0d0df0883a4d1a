#include "CProducts.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

typedef int (*sgemm_function)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *,
                              int64_t, float, float *, int64_t);
typedef int (*bf16_function)(char, char, int64_t, int64_t, int64_t, float, const uint16_t *, int64_t, const uint16_t *,
                             int64_t, float, float *, int64_t);
typedef int (*packed_size_function)(const char *, const char *, const char *, const int64_t *, const int64_t *,
                                    const int64_t *, const int64_t *, const int64_t *, size_t *, bool *);
typedef int (*pack_function)(const char *, const char *, const char *, const int64_t *, const int64_t *, const int64_t *,
                             const int64_t *, const int64_t *, const void *, void *);
typedef int (*packed_product_function)(const char *, const char *, const int64_t *, const int64_t *, const int64_t *,
                                       const void *, const int64_t *, const void *, const int64_t *, const float *,
                                       float *, const int64_t *);
typedef void (*threads_function)(int);

/// Products with a factor that is packed once.
typedef struct {
    packed_size_function size;
    pack_function pack;
    packed_product_function multiply;
} packing;

/// The head of the structure that dnnl_version gives, which has kept its place through all versions.
typedef struct {
    int numbers[3];
} version_head;
typedef const version_head *(*version_function)(void);

static struct {
    sgemm_function sgemm;
    bf16_function bf16;
    packing packing[2]; // of floats, of bfloat16
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

/// Exported under C++ names, which have the types of all arguments in them: what is found under these takes them.
static void look_for_packing(void *handle) {
    static const char *const names[2][3] = {
        {"_ZN4dnnl4impl3cpu19sgemm_pack_get_sizeEPKcS3_S3_PKlS5_S5_S5_S5_PmPb",
         "_ZN4dnnl4impl3cpu10sgemm_packEPKcS3_S3_PKlS5_S5_S5_S5_PKfPf",
         "_ZN4dnnl4impl3cpu13sgemm_computeEPKcS3_PKlS5_S5_PKfS5_S7_S5_S7_PfS5_"},
        {"_ZN4dnnl4impl3cpu30gemm_bf16bf16f32_pack_get_sizeEPKcS3_S3_PKlS5_S5_S5_S5_PmPb",
         "_ZN4dnnl4impl3cpu21gemm_bf16bf16f32_packEPKcS3_S3_PKlS5_S5_S5_S5_PKNS0_10bfloat16_tEPS6_",
         "_ZN4dnnl4impl3cpu24gemm_bf16bf16f32_computeEPKcS3_PKlS5_S5_PKNS0_10bfloat16_tES5_S8_S5_PKfPfS5_"}};
    for (size_t i = 0; i < 2; i++) {
        const packing found = {(packed_size_function)dlsym(handle, names[i][0]), (pack_function)dlsym(handle, names[i][1]),
                               (packed_product_function)dlsym(handle, names[i][2])};
        if (found.size != NULL && found.pack != NULL && found.multiply != NULL) library.packing[i] = found;
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
    look_for_packing(handle);
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

// The library counts rows along the other dimension: to it, w is the first factor, and transposed.

/// Tokens of a product for which the library chooses how it packs: for hundreds it is best, and for fewer as good.
static const int64_t packed_tokens = 512;

size_t pf_onednn_packed_bytes(bool is_bf16, int64_t n, int64_t k) {
    if (!pf_onednn_found() || library.packing[is_bf16].size == NULL) return 0;
    if (is_bf16 && !multiplies_bf16()) return 0;
    use_calling_thread_only();
    size_t bytes = 0;
    bool is_packed = false;
    const int status =
        library.packing[is_bf16].size("A", "T", "N", &n, &packed_tokens, &k, &k, &k, &bytes, &is_packed);
    return status == 0 && is_packed ? bytes : 0;
}

bool pf_onednn_pack(bool is_bf16, int64_t n, int64_t k, const void *w, int64_t w_stride, void *packed) {
    use_calling_thread_only();
    return library.packing[is_bf16].pack("A", "T", "N", &n, &packed_tokens, &k, &w_stride, &k, w, packed) == 0;
}

bool pf_onednn_multiply_packed(bool is_bf16, int64_t m, int64_t n, int64_t k, const void *a, int64_t a_stride,
                               const void *packed, float beta, float *c, int64_t c_stride) {
    use_calling_thread_only();
    return library.packing[is_bf16].multiply("P", "N", &n, &m, &k, packed, &k, a, &a_stride, &beta, c, &c_stride) == 0;
}
