// The kernels for x86-64 processors with AVX2 and FMA, from the same bodies as the portable ones.

#if defined(__x86_64__)

#include <math.h>
#include <string.h>

#include "CKernels.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define PF_TILE_ROWS 4
#define PF_TILE_COLUMNS 16
#define KERNEL(name) name##_avx2
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

const pf_kernels pf_kernels_avx2 = PF_TABLE("avx2");

#endif
