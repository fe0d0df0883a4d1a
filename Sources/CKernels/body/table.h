// Included once per instruction set, after the kernels. See portable.c.

#define PF_TABLE(label)                                                                                        \
    {                                                                                                          \
        .name = label, .rms_norm = KERNEL(rms_norm), .rms_norm_backward = KERNEL(rms_norm_backward),           \
        .rms_norm_weight_gradient = KERNEL(rms_norm_weight_gradient), .layer_norm = KERNEL(layer_norm),        \
        .layer_norm_backward = KERNEL(layer_norm_backward),                                                    \
        .layer_norm_weight_gradients = KERNEL(layer_norm_weight_gradients), .rotate = KERNEL(rotate),          \
        .attention = KERNEL(attention), .attention_cached = KERNEL(attention_cached),                          \
        .attention_backward = KERNEL(attention_backward), .swiglu = KERNEL(swiglu),                            \
        .swiglu_backward = KERNEL(swiglu_backward), .gelu = KERNEL(gelu),                                      \
        .gelu_backward = KERNEL(gelu_backward), .relu = KERNEL(relu),                                          \
        .relu_backward = KERNEL(relu_backward), .softmax_statistics = KERNEL(softmax_statistics),              \
        .softmax_probabilities = KERNEL(softmax_probabilities), .add_row = KERNEL(add_row),              \
        .add_column_sums = KERNEL(add_column_sums), .dropout = KERNEL(dropout),                                \
        .add_dropout = KERNEL(add_dropout), .add_scaled = KERNEL(add_scaled),                                  \
        .sum_of_squares = KERNEL(sum_of_squares), .adamw = KERNEL(adamw), .sgd = KERNEL(sgd),                  \
        .to_bf16 = KERNEL(to_bf16), .from_bf16 = KERNEL(from_bf16), .to_blocks = KERNEL(to_blocks),            \
        .from_blocks = KERNEL(from_blocks), .to_residuals = KERNEL(to_residuals),                              \
        .from_residuals = KERNEL(from_residuals),                                                              \
    }
