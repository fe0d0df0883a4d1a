import Diagnostics

/// When frozen blocks were run for weaker devices, of late, so that it can be seen beside a step's operations.
struct FrozenSpans {
    private static let most = 256

    private var spans: [Range<ContinuousClock.Instant>] = []

    /// A pass has ended.
    mutating func add(from begin: ContinuousClock.Instant, to end: ContinuousClock.Instant) {
        guard end > begin else { return }
        if spans.count == Self.most { spans.removeFirst() }
        spans.append(begin..<end)
    }

    /// A step's operations with the passes beside them, which count as the first stage's and belong to no micro-batch of the
    /// step.
    func joined(to step: StepOperations, begun begin: ContinuousClock.Instant) -> StepOperations {
        let length = step.stages.flatMap(\.operations).map(\.endSeconds).max() ?? 0
        let passes = spans.enumerated().compactMap { number, span -> StepOperations.Operation? in
            let start = (span.lowerBound - begin) / .seconds(1), end = (span.upperBound - begin) / .seconds(1)
            guard start < length, end > 0 else { return nil }
            return StepOperations.Operation(
                op: .frozenForward, microBatch: number, startSeconds: max(0, start), endSeconds: min(length, end))
        }
        guard let first = step.stages.firstIndex(where: { $0.stage == 0 }), !passes.isEmpty else { return step }
        var joined = step
        joined.stages[first].operations = passes + step.stages[first].operations
        return joined.isPlausible ? joined : step
    }
}
