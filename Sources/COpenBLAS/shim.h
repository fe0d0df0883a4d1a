#pragma once
#include <cblas.h>

// LAPACK is part of OpenBLAS, but no header of Debian's package declares it.
void sgesdd_(
    const char *jobz, const blasint *m, const blasint *n, float *a, const blasint *lda, float *s, float *u,
    const blasint *ldu, float *vt, const blasint *ldvt, float *work, const blasint *lwork, blasint *iwork,
    blasint *info);
