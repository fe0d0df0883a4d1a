#include <pthread.h>
#include <stdlib.h>

#include "CProducts.h"

static pthread_key_t key;

typedef struct {
    size_t bytes;
    void *memory;
} scratch;

static void give_back(void *value) {
    scratch *own = value;
    for (int use = 0; use < PF_SCRATCH_USES; use++) free(own[use].memory);
    free(own);
}

static void make_key(void) { pthread_key_create(&key, give_back); }

void *pf_thread_scratch(pf_scratch use, size_t bytes) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_key);
    scratch *own = pthread_getspecific(key);
    if (own == NULL) {
        own = calloc(PF_SCRATCH_USES, sizeof *own);
        if (own == NULL) return NULL;
        pthread_setspecific(key, own);
    }
    own += use;
    if (bytes > own->bytes) {
        free(own->memory);
        own->memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
        own->bytes = own->memory != NULL ? bytes : 0;
    }
    return own->memory;
}
