#include "CProducts.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int under_way;
static atomic_bool is_closed;
static _Thread_local int64_t begun;

static void close_gate(void) {
    atomic_store(&is_closed, true);
    while (atomic_load(&under_way) > 0) sched_yield();
}

static void build_gate(void) {
    pf_openblas_choose();
    // What is registered last is called first: before the libraries' own.
    pf_onednn_found();
    atexit(close_gate);
}

void pf_product_begin(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, build_gate);
    atomic_fetch_add(&under_way, 1);
    if (!atomic_load(&is_closed)) {
        begun = pf_work_begin();
        return;
    }
    atomic_fetch_sub(&under_way, 1);
    for (;;) pause();
}

void pf_product_end(void) {
    pf_work_end(PF_WORK_PRODUCT, begun);
    atomic_fetch_sub(&under_way, 1);
}
