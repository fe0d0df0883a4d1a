extension StepTrace {
    /// The step in which each operation takes the median of what it took in some, one at least, all walked by the same
    /// schedule: what else the machine did now and then is not in it.
    ///
    /// - Parameters:
    ///   - schedule: by which they were walked.
    ///   - sums: as of those steps.
    ///   - helps: whether a stage's thread did other stages' operations while its own had to wait.
    public static func typical(_ steps: [StepTrace], of schedule: Schedule, sums: Int, helps: Bool) -> StepTrace {
        var times: [Place: [Duration]] = [:], bytes: [Place: Int] = [:]
        for step in steps {
            for (stage, entries) in step.stages.enumerated() {
                for entry in entries {
                    let place = Place(stage: stage, operation: entry.operation)
                    times[place, default: []].append(entry.end - entry.start)
                    bytes[place] = max(bytes[place] ?? 0, entry.stashedBytes)
                }
            }
        }
        return VirtualClock.walk(schedule, sums: sums, helps: helps) { operation, stage in
            let place = Place(stage: stage, operation: operation), all = times[place, default: []].sorted()
            return (all.isEmpty ? .zero : all[all.count / 2], bytes[place] ?? 0)
        }
    }

    /// Mean over the stages' threads of the share of the step in which they did none of its operations.
    public var bubble: Double { waitRatios.isEmpty ? 0 : waitRatios.reduce(0, +) / Double(waitRatios.count) }

    private struct Place: Hashable {
        var stage: Int
        var operation: StageOperation
    }
}
