import Diagnostics

extension StepTrace {
    /// Adds the step's operations to a trace, a row for each stage, and what lay between F and W beside them.
    public func write(to tracer: Tracer) {
        for (stage, entries) in stages.enumerated() {
            let row = "stage \(stage + 1)"
            for (entry, microBatches) in zip(entries, stashed(on: stage)) {
                let kind = entry.operation.kind
                if !(fusesBackward && kind == .backwardWeights) {
                    tracer.span(
                        fusesBackward && kind == .backwardInput ? "B+W" : kind.symbol, row: row,
                        from: begin + entry.start, to: begin + entry.end,
                        ["micro-batch": .number(entry.operation.microBatch)])
                }
                tracer.count(
                    "stash of \(row)", at: begin + entry.end,
                    ["micro-batches": .number(microBatches), "bytes": .number(entry.stashedBytes)])
            }
        }
    }
}
