#include "CProducts.h"

#include <stdatomic.h>
#include <time.h>

static atomic_bool is_running;
static atomic_llong spent[PF_WORK_KINDS];

/// Of the calling thread alone: time in which it waits for the processor is nobody's.
static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void pf_work_measure(void) {
    for (int kind = 0; kind < PF_WORK_KINDS; kind++) atomic_store(&spent[kind], 0);
    atomic_store(&is_running, true);
}

int64_t pf_work_begin(void) {
    return atomic_load_explicit(&is_running, memory_order_relaxed) ? nanoseconds() : 0;
}

void pf_work_end(pf_work kind, int64_t begun) {
    if (begun != 0) atomic_fetch_add_explicit(&spent[kind], nanoseconds() - begun, memory_order_relaxed);
}

double pf_work_seconds(pf_work kind) { return 1e-9 * (double)atomic_load(&spent[kind]); }
