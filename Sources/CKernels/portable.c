// The kernels for any processor. The bodies are plain C that the compiler vectorises; avx2.c and avx512.c compile the same
// bodies for newer processors, so that no kernel is ever written twice.

#include <math.h>
#include <string.h>

#include "CKernels.h"

#define PF_TILE_ROWS 4
#define PF_TILE_COLUMNS 16
#define KERNEL(name) name##_portable
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
#include "body/table.h"

const pf_kernels pf_kernels_portable = PF_TABLE("portable");
