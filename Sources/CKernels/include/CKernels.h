#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Where packed sequences lie in a matrix of tokens: sequence i has the rows offsets[i] ..< offsets[i + 1].
typedef struct {
    const int32_t *offsets;
    int32_t count;
} pf_sequences;

/// The shape of grouped-query attention. Query head h reads key and value head h / (heads / kv_heads).
typedef struct {
    int32_t heads;
    int32_t kv_heads;
    int32_t head_dim;
    float scale;
} pf_attention_shape;

/// One set of kernels. Every matrix is row-major; a stride is in floats. Each kernel exists in a portable form and
/// in forms for newer processors, all compiled from the same source.
typedef struct {
    const char *name;

    /// out = x * rstd * weight with rstd = 1 / sqrt(mean(x^2) + epsilon); keeps rstd per row when not NULL.
    void (*rms_norm)(const float *x, const float *weight, float *out, float *rstd, size_t rows, size_t columns,
                     float epsilon);

    /// Adds the gradient of rms_norm with respect to x to dx.
    void (*rms_norm_backward)(const float *dy, const float *x, const float *weight, const float *rstd, float *dx,
                              size_t rows, size_t columns);

    /// Rotates each head's halves (i, i + head_dim / 2) in place by the angle of the row's position; direction -1 undoes it.
    /// cosine and sine are [positions, head_dim / 2].
    void (*rotate)(float *x, size_t stride, size_t rows, size_t heads, size_t head_dim, const int32_t *positions,
                   const float *cosine, const float *sine, float direction);

    /// Causal softmax(q k^T * scale) v inside each sequence. q, k, v share a stride. Keeps the logarithm of each row's
    /// normaliser, [rows, heads], when not NULL. scratch holds as many floats as the longest sequence has tokens.
    void (*attention)(const float *q, const float *k, const float *v, size_t stride, float *out, size_t out_stride,
                      float *log_normaliser, pf_sequences sequences, pf_attention_shape shape, float *scratch);

    /// Gradients of attention, written over dq, dk, dv, which share a stride.
    void (*attention_backward)(const float *dout, const float *out, size_t out_stride, const float *q, const float *k,
                               const float *v, size_t stride, const float *log_normaliser, float *dq, float *dk,
                               float *dv, size_t gradient_stride, pf_sequences sequences, pf_attention_shape shape);

    /// out = silu(gate) * up, where each row of gate_up holds gate, then up.
    void (*swiglu)(const float *gate_up, float *out, size_t rows, size_t columns);

    /// The gradient of swiglu with respect to gate and up, laid out as gate_up.
    void (*swiglu_backward)(const float *dout, const float *gate_up, float *dgate_up, size_t rows, size_t columns);

    /// y += alpha * x.
    void (*add_scaled)(const float *x, float alpha, float *y, size_t count);

    /// sum(x^2), in double precision.
    double (*sum_of_squares)(const float *x, size_t count);

    /// One AdamW step (Loshchilov and Hutter, 2019, algorithm 2) on gradients scaled by gradient_scale.
    /// correction1 and correction2 are 1 - beta^t.
    void (*adamw)(float *parameters, const float *gradients, float *first, float *second, size_t count,
                  float gradient_scale, float learning_rate, float beta1, float beta2, float epsilon,
                  float weight_decay, float correction1, float correction2);
} pf_kernels;

/// The kernels that run on any processor.
extern const pf_kernels pf_kernels_portable;

/// The fastest kernels that this processor runs, chosen once.
const pf_kernels *pf_kernels_best(void);
