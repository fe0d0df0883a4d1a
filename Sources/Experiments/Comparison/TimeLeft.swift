extension ComparisonPlan {
    /// Seconds that the runs that are left will take by those that are done: each as long as the mean of its method's,
    /// or of all where its method has none, so many at a time. Nil before the first run has ended.
    public func secondsLeft(after records: [ExperimentJob: ExperimentRecord], atOnce: Int = 1) -> Double? {
        guard let overall = Spread(records.values.map(\.seconds))?.mean else { return nil }
        let byMethod = Dictionary(grouping: records.values, by: \.job.key.method)
        let seconds = methods.reduce(0.0) { sum, method in
            let done = byMethod[method.name] ?? []
            let left = max(0, runCount(of: method) - done.count)
            return sum + Double(left) * (Spread(done.map(\.seconds))?.mean ?? overall)
        }
        return seconds / Double(atOnce)
    }

    private func runCount(of method: Method) -> Int {
        ComparisonPlan(methods: [method], imbalances: imbalances, seeds: seeds).runCount
    }
}
