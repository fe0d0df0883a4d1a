import Experiments
import Randomness
import Testing

@Suite("Plans of comparisons")
struct ComparisonPlanTests {
    private let plan = PlantedComparison.plan

    @Test("the sweep comes first, every run comes once, and there are as many as were announced")
    func order() {
        var records: [ExperimentJob: ExperimentRecord] = [:]
        var jobs: [ExperimentJob] = []
        while let job = plan.next(after: records) {
            jobs.append(job)
            records[job] = ExperimentRecord(job: job, seconds: 1, result: PlantedComparison.result(job))
        }
        #expect(jobs.count == plan.runCount)
        #expect(Set(jobs).count == jobs.count)
        #expect(Set(jobs.map(\.name)).count == jobs.count)
        #expect(Array(jobs.prefix(12)) == plan.sweep)
        #expect(plan.compared(in: records).count == 6 * 4 * 3)
        #expect(plan.runCount == 12 + 6 * 4 * 3 - 4)
    }

    @Test("whatever has ended in whatever order, the same runs are left and the tables are the same")
    func resumed() throws {
        var chance = SeededGenerator(seed: 11, stream: "killed comparisons")
        let whole = PlantedComparison.comparison()
        let tables = plan.imbalances.map(whole.rows)
        for _ in 0..<20 {
            var records = whole.records.filter { _ in chance.uniform() < 0.6 }
            while let job = plan.next(after: records) {
                records[job] = ExperimentRecord(job: job, seconds: 3, result: PlantedComparison.result(job))
            }
            #expect(Set(records.keys) == Set(whole.records.keys))
            var again = whole
            again.records = records
            #expect(plan.imbalances.map(again.rows) == tables)
            #expect(again.orderedRecords.map(\.job) == whole.orderedRecords.map(\.job))
        }
    }

    @Test("the best accuracy is chosen, then the least loss, then the lowest rate, and never a run that diverged")
    func choice() throws {
        let method = plan.methods[0]
        func chosen(_ outcomes: [(accuracy: Double, loss: Double)?]) throws -> Double? {
            var records: [ExperimentJob: ExperimentRecord] = [:]
            for (job, outcome) in zip(plan.sweep, outcomes) {
                var result = PlantedComparison.result(job)
                if let outcome {
                    let last = result.points.count - 1
                    (result.points[last].accuracy, result.points[last].loss) = outcome
                }
                records[job] = ExperimentRecord(job: job, seconds: 1, result: outcome == nil ? nil : result)
            }
            return plan.chosenRate(of: method, in: records)
        }
        #expect(try chosen([(0.7, 0.1), (0.8, 0.9), (0.75, 0.2)]) == 1e-3)
        #expect(try chosen([(0.8, 0.5), (0.8, 0.4), (0.8, 0.6)]) == 1e-3)
        #expect(try chosen([(0.8, 0.4), (0.8, 0.4), (0.8, 0.4)]) == 3e-4)
        #expect(try chosen([(0.6, 0.4), (0.7, 0.4), nil]) == 1e-3)
        #expect(try chosen([(0.6, 0.4), (0.9, .nan), (0.5, 0.1)]) == 3e-4)
        #expect(try chosen([nil, nil, nil]) == 3e-4)
        #expect(try chosen([(0.6, 0.4), (0.7, 0.4)]) == nil)
    }

    @Test("methods with one rate sweep nothing")
    func given() {
        #expect(plan.chosenRate(of: .init(name: "zo", rates: [1e-4]), in: [:]) == 1e-4)
        #expect(!plan.sweep.contains { $0.key.method == "zo" })
    }

    @Test("the time left is each method's mean for each of its runs that are left")
    func timeLeft() throws {
        let plan = ComparisonPlan(
            methods: [.init(name: "a", rates: [1, 2]), .init(name: "b", rates: [1])], imbalances: ["iid", "x"],
            seeds: [1, 2])
        #expect(plan.secondsLeft(after: [:]) == nil)
        var records: [ExperimentJob: ExperimentRecord] = [:]
        func end(seconds: Double) throws {
            let job = try #require(plan.next(after: records))
            records[job] = ExperimentRecord(job: job, seconds: seconds, result: PlantedComparison.result(job))
        }
        try end(seconds: 10)
        try end(seconds: 30)
        // Of a: 2 × 2 + 2 − 1 runs, of which 2 have ended in 20 seconds each; b's 4 are not known to take any other time.
        #expect(plan.secondsLeft(after: records) == 140.0)
        while records.values.allSatisfy({ $0.job.key.method == "a" }) { try end(seconds: 20) }
        let b = try #require(records.keys.first { $0.key.method == "b" })
        records[b]?.seconds = 2
        let left = plan.runCount - records.count
        let ofB = 4 - 1
        #expect(try #require(plan.secondsLeft(after: records)) == Double(left - ofB) * 20 + Double(ofB) * 2)
    }
}
