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

/// Which elements stay: a hash of the row's key, the site's key and the column, so that a mask is never stored.
typedef struct {
    const uint64_t *row_keys;
    uint64_t site_key;
    /// The hash's 32 bits below which an element is dropped: rate * 2^32.
    uint32_t threshold;
    /// What the elements that stay are multiplied by: 1 / (1 - rate).
    float scale;
} pf_dropout;

/// Numbers that share a scale.
#define PF_BLOCK_VALUES 64

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

    /// Adds the gradient of rms_norm with respect to weight to dweight.
    void (*rms_norm_weight_gradient)(const float *dy, const float *x, const float *rstd, float *dweight, size_t rows,
                                     size_t columns);

    /// out = (x - mean) * rstd * weight + bias with rstd = 1 / sqrt(variance + epsilon); keeps mean and rstd per row
    /// when not NULL.
    void (*layer_norm)(const float *x, const float *weight, const float *bias, float *out, float *mean, float *rstd,
                       size_t rows, size_t columns, float epsilon);

    /// Adds the gradient of layer_norm with respect to x to dx.
    void (*layer_norm_backward)(const float *dy, const float *x, const float *weight, const float *mean,
                                const float *rstd, float *dx, size_t rows, size_t columns);

    /// Adds the gradients of layer_norm with respect to weight and bias to dweight and dbias.
    void (*layer_norm_weight_gradients)(const float *dy, const float *x, const float *mean, const float *rstd,
                                        float *dweight, float *dbias, size_t rows, size_t columns);

    /// Rotates each head's halves (i, i + head_dim / 2) in place by the angle of the row's position; direction -1 undoes it.
    /// cosine and sine are [positions, head_dim / 2].
    void (*rotate)(float *x, size_t stride, size_t rows, size_t heads, size_t head_dim, const int32_t *positions,
                   const float *cosine, const float *sine, float direction);

    /// Causal softmax(q k^T * scale) v inside each sequence. q, k, v share a stride. Keeps the logarithm of each row's
    /// normaliser, [rows, heads], when not NULL. scratch holds head_dim + 8 floats for each token of the longest sequence,
    /// whose tokens are counted up to a multiple of 32.
    void (*attention)(const float *q, const float *k, const float *v, size_t stride, float *out, size_t out_stride,
                      float *log_normaliser, pf_sequences sequences, pf_attention_shape shape, float *scratch);

    /// attention for `rows` new tokens of one sequence whose keys and values, those of `past` earlier tokens first, lie
    /// in k and v: row i sees the rows 0 ... past + i. scratch holds past + rows floats.
    void (*attention_cached)(const float *q, size_t q_stride, const float *k, size_t k_stride, const float *v,
                             size_t v_stride, size_t past, size_t rows, float *out, size_t out_stride,
                             pf_attention_shape shape, float *scratch);

    /// Gradients of attention, written over dq, dk, dv, which share a stride. scratch holds 2 * head_dim + 32 floats for
    /// each token of the longest sequence, counted as above.
    void (*attention_backward)(const float *dout, const float *out, size_t out_stride, const float *q, const float *k,
                               const float *v, size_t stride, const float *log_normaliser, float *dq, float *dk,
                               float *dv, size_t gradient_stride, pf_sequences sequences, pf_attention_shape shape,
                               float *scratch);

    /// out = silu(gate) * up, where each row of gate_up holds gate, then up.
    void (*swiglu)(const float *gate_up, float *out, size_t rows, size_t columns);

    /// The gradient of swiglu with respect to gate and up, laid out as gate_up.
    void (*swiglu_backward)(const float *dout, const float *gate_up, float *dgate_up, size_t rows, size_t columns);

    /// Adds bias to each row of x, when not NULL; out = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. out may be x.
    void (*gelu)(float *x, const float *bias, float *out, size_t rows, size_t columns);

    /// The gradient of gelu with respect to x. dx may be dout.
    void (*gelu_backward)(const float *dout, const float *x, float *dx, size_t count);

    /// Adds bias to each row of x, when not NULL; out = max(x, 0). out may be x.
    void (*relu)(float *x, const float *bias, float *out, size_t rows, size_t columns);

    /// The gradient of relu with respect to x, 0 where x is 0. dx may be dout.
    void (*relu_backward)(const float *dout, const float *x, float *dx, size_t count);

    /// Adds row_values to each row of x.
    void (*add_row)(const float *row_values, float *x, size_t stride, size_t rows, size_t columns);

    /// Adds the sum of x's rows to sums.
    void (*add_column_sums)(const float *x, size_t stride, float *sums, size_t rows, size_t columns);

    /// out = x * scale where the mask keeps an element, else 0. out may be x.
    void (*dropout)(const float *x, size_t x_stride, float *out, size_t out_stride, size_t rows, size_t columns,
                    pf_dropout mask);

    /// y += x * scale where the mask keeps an element.
    void (*add_dropout)(const float *x, size_t x_stride, float *y, size_t y_stride, size_t rows, size_t columns,
                        pf_dropout mask);

    /// Of each row of logits: the largest one, its column (the first of equal ones), and the sum of e^(logit - largest).
    void (*softmax_statistics)(const float *logits, size_t stride, float *largest, float *sum, ptrdiff_t *best,
                               size_t rows, size_t columns);

    /// Replaces logits by e^(logit - log_normaliser).
    void (*softmax_probabilities)(float *logits, size_t stride, const float *log_normaliser, size_t rows,
                                  size_t columns);

    /// y += alpha * x.
    void (*add_scaled)(const float *x, float alpha, float *y, size_t count);

    /// sum(x^2), in double precision.
    double (*sum_of_squares)(const float *x, size_t count);

    /// One AdamW step (Loshchilov and Hutter, 2019, algorithm 2) on gradients scaled by gradient_scale.
    /// correction1 and correction2 are 1 - beta^t.
    void (*adamw)(float *parameters, const float *gradients, float *first, float *second, size_t count,
                  float gradient_scale, float learning_rate, float beta1, float beta2, float epsilon,
                  float weight_decay, float correction1, float correction2);

    /// One step of gradient descent on gradients scaled by gradient_scale, to which weight_decay * parameters is added:
    /// velocity = momentum * velocity + gradient, parameters -= learning_rate * velocity. Without velocity when NULL.
    void (*sgd)(float *parameters, const float *gradients, float *velocity, size_t count, float gradient_scale,
                float learning_rate, float momentum, float weight_decay);

    /// Each number as the nearest bfloat16, ties to even, row after row without a gap; no number stays none. out may lie
    /// anywhere.
    void (*to_bf16)(const float *x, size_t stride, void *out, size_t rows, size_t columns);

    /// bfloat16 as float, exactly. x may lie anywhere.
    void (*from_bf16)(const void *x, float *out, size_t count);

    /// Rows of numbers in blocks of PF_BLOCK_VALUES, of which a row's last one may be shorter: the block's scale as
    /// bfloat16, then a code of 8 or 4 bits for each number, the nearest one to number / scale, ties to even. Codes of 4
    /// bits are written plus 8, two to a byte, the first one in the lower half. The scale is the largest magnitude over
    /// 127 or 7; 0 for a block whose scale would be below 2^-126, and not a number for one that is not finite. Every set
    /// writes the same bytes.
    void (*to_blocks)(const float *x, uint8_t *out, size_t rows, size_t columns, int bits);

    /// The numbers of such blocks: code * scale.
    void (*from_blocks)(const uint8_t *x, float *out, size_t rows, size_t columns, int bits);

    /// Rows of blocks with codes of 4 bits, each with the largest of its errors behind it: so many pairs of a column, as 16
    /// bits without sign, and the number less code * scale, as bfloat16, in the order of columns. There are at least as
    /// many columns as pairs, and at most 65536. errors and magnitudes hold a row each. Every set writes the same bytes.
    void (*to_residuals)(const float *x, uint8_t *out, size_t rows, size_t columns, size_t pairs, float *errors,
                         int32_t *magnitudes);

    /// The numbers of such rows. A pair whose column is not beyond the last one's, or not in the row, is nothing.
    void (*from_residuals)(const uint8_t *x, float *out, size_t rows, size_t columns, size_t pairs);
} pf_kernels;

/// The kernels that run on any processor.
extern const pf_kernels pf_kernels_portable;

/// The environment's variable that makes this processor an older one: `avx2` is without AVX-512 and without products of
/// bfloat16 numbers, `portable` without AVX2 too.
#define PF_PROCESSOR_VARIABLE "PERMAFROST_PROCESSOR"

/// The fastest kernels that this processor runs, or those of the older one that it is to be.
const pf_kernels *pf_kernels_best(void);
