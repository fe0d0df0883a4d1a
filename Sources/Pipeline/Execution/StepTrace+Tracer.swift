import Diagnostics

extension StepTrace {
    /// Adds the step's operations to a trace, a row for each stage's thread, and what lay between F and W beside them.
    public func write(to tracer: Tracer) {
        for (stage, entries) in stages.enumerated() {
            for (entry, microBatches) in zip(entries, stashed(on: stage)) {
                let kind = entry.operation.kind
                if !(fusesBackward && kind == .backwardWeights) {
                    tracer.span(
                        fusesBackward && kind == .backwardInput ? "B+W" : kind.symbol, row: "stage \(entry.thread + 1)",
                        from: begin + entry.start, to: begin + entry.end,
                        ["micro-batch": .number(entry.operation.microBatch), "stage": .number(stage + 1)])
                }
                tracer.count(
                    "stash of stage \(stage + 1)", at: begin + entry.end,
                    ["micro-batches": .number(microBatches), "bytes": .number(entry.stashedBytes)])
            }
        }
    }
}
