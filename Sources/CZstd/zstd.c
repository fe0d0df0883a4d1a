#include "CZstd.h"

#include <dlfcn.h>
#include <pthread.h>

static struct {
    size_t (*compress)(void *, size_t, const void *, size_t, int);
    size_t (*decompress)(void *, size_t, const void *, size_t);
    unsigned (*is_error)(size_t);
} library;
static bool is_found;

static void look(void) {
    void *handle = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return;
    *(void **)&library.compress = dlsym(handle, "ZSTD_compress");
    *(void **)&library.decompress = dlsym(handle, "ZSTD_decompress");
    *(void **)&library.is_error = dlsym(handle, "ZSTD_isError");
    is_found = library.compress != NULL && library.decompress != NULL && library.is_error != NULL;
}

bool pf_zstd_found(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look);
    return is_found;
}

size_t pf_zstd_compress(const void *bytes, size_t count, void *out, size_t capacity) {
    if (!pf_zstd_found()) return 0;
    size_t compressed = library.compress(out, capacity, bytes, count, 1);
    return library.is_error(compressed) ? 0 : compressed;
}

bool pf_zstd_expand(const void *bytes, size_t compressed_count, void *out, size_t count) {
    if (!pf_zstd_found()) return false;
    size_t expanded = library.decompress(out, count, bytes, compressed_count);
    return !library.is_error(expanded) && expanded == count;
}
