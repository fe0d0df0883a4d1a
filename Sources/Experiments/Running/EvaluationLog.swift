import Methods

/// Scores of a run at equal parts of its budget. Scoring takes no *simulated* time, and is not in `measuredSeconds`.
struct EvaluationLog {
    private(set) var points: [ExperimentResult.Point] = []
    /// Share of the most frequent class of the evaluation set; 0 where there are no classes.
    private(set) var majorityRate = 0.0
    private let set: EvaluationSet
    private let programs: ProgramSet
    private let budget: Int
    private let parts: Int
    /// Parts of the budget that have been scored.
    private var done = 0
    private let begun = ContinuousClock.now
    private var scoring = Duration.zero

    init(_ set: EvaluationSet, _ programs: ProgramSet, budget: Int, parts: Int) {
        self.set = set
        self.programs = programs
        self.budget = budget
        self.parts = parts
    }

    /// Scores what has been learned when another part of the budget is spent; the end is scored when all is done.
    mutating func recordIfDue(_ run: FleetRun) throws -> ExperimentResult.Point? {
        let spent = min(parts - 1, parts * tokens(run) / max(1, budget))
        guard spent > done, run.totals.steps < programs.steps else { return nil }
        done = spent
        return try record(run)
    }

    /// Scores what has been learned.
    mutating func record(_ run: FleetRun) throws -> ExperimentResult.Point {
        let start = ContinuousClock.now
        let score = try set.score(programs.trained())
        let timeline = run.clock.timeline
        let point = ExperimentResult.Point(
            step: run.totals.steps, tokens: tokens(run), simulatedSeconds: run.clock.now,
            measuredSeconds: (start - begun - scoring) / .seconds(1), accuracy: score.accuracy, loss: score.loss,
            bytesUp: run.totals.bytesUp.reduce(0, +), bytesDown: run.totals.bytesDown.reduce(0, +),
            deviceFLOPs: (0..<timeline.devices).reduce(0) { $0 + timeline.track(.compute, of: $1).amount },
            serverFLOPs: run.totals.serverFLOPs)
        majorityRate = score.classes?.majorityRate ?? 0
        points.append(point)
        scoring += ContinuousClock.now - start
        return point
    }

    private func tokens(_ run: FleetRun) -> Int { run.totals.passes / programs.counting.passes }
}
