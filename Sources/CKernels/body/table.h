// Included once per instruction set, after the kernels. See portable.c.

#define PF_TABLE(label)                                                                                        \
    {                                                                                                          \
        .name = label, .rms_norm = KERNEL(rms_norm), .rms_norm_backward = KERNEL(rms_norm_backward),           \
        .rotate = KERNEL(rotate), .attention = KERNEL(attention),                                              \
        .attention_backward = KERNEL(attention_backward), .swiglu = KERNEL(swiglu),                            \
        .swiglu_backward = KERNEL(swiglu_backward), .add_scaled = KERNEL(add_scaled),                          \
        .sum_of_squares = KERNEL(sum_of_squares), .adamw = KERNEL(adamw),                                      \
    }
