// The kernels for x86-64 processors whose units for AVX-512 are as wide as its registers. See portable.c.

#if defined(__x86_64__)

#include <math.h>
#include <string.h>

#include "CKernels.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define PF_TILE_ROWS 8
#define PF_TILE_COLUMNS 32
#define KERNEL(name) name##_avx512
#include "body/vector_math.h"
#include "body/elementwise.h"
#include "body/normalisation.h"
#include "body/activations.h"
#include "body/rows.h"
#include "body/dropout.h"
#include "body/optimizers.h"
#include "body/tiles.h"
#include "body/attention.h"
#include "body/attention_backward.h"
#include "body/softmax.h"
#include "body/conversion.h"
#include "body/blocks.h"
#include "body/residuals.h"
#pragma clang attribute pop
#include "body/table.h"

const pf_kernels pf_kernels_avx512 = PF_TABLE("avx512");

#endif
