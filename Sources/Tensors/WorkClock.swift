import CProducts

/// How long this process's threads were in what takes most of a step. It stands still until somebody starts it.
public enum WorkClock {
    /// Counts from zero, from now on.
    public static func start() { pf_work_measure() }

    /// In matrix products, with the rounding of their factors, since the start.
    public static var productSeconds: Double { pf_work_seconds(PF_WORK_PRODUCT) }

    /// In attention and its gradients, since the start.
    public static var attentionSeconds: Double { pf_work_seconds(PF_WORK_ATTENTION) }
}
