// Included once per instruction set. See portable.c.

static void KERNEL(adamw)(float *restrict parameters, const float *restrict gradients, float *restrict first,
                          float *restrict second, size_t count, float gradient_scale, float learning_rate,
                          float beta1, float beta2, float epsilon, float weight_decay, float correction1,
                          float correction2) {
    const float step = learning_rate / correction1;
    const float root = 1.0f / sqrtf(correction2);
    const float shrink = 1.0f - learning_rate * weight_decay;
    for (size_t i = 0; i < count; i++) {
        const float g = gradients[i] * gradient_scale;
        first[i] = beta1 * first[i] + (1.0f - beta1) * g;
        second[i] = beta2 * second[i] + (1.0f - beta2) * g * g;
        // sqrtf reports negative numbers in errno, which would keep the loop from being vectorised.
        const float deviation = __builtin_elementwise_sqrt(second[i]) * root;
        parameters[i] = parameters[i] * shrink - step * first[i] / (deviation + epsilon);
    }
}

static void KERNEL(sgd)(float *restrict parameters, const float *restrict gradients, float *restrict velocity,
                        size_t count, float gradient_scale, float learning_rate, float momentum,
                        float weight_decay) {
    if (!velocity) {
        for (size_t i = 0; i < count; i++) {
            parameters[i] -= learning_rate * (gradients[i] * gradient_scale + weight_decay * parameters[i]);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        velocity[i] = momentum * velocity[i] + (gradients[i] * gradient_scale + weight_decay * parameters[i]);
        parameters[i] -= learning_rate * velocity[i];
    }
}
