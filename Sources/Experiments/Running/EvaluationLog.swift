import Methods

/// Scores of a run at equal parts of its budget. Scoring takes no *simulated* time, and is not in `measuredSeconds`.
struct EvaluationLog {
    private(set) var points: [ExperimentResult.Point] = []
    /// Share of the most frequent class of the evaluation set; 0 where there are no classes.
    private(set) var majorityRate = 0.0
    private let shared: SharedEvaluation
    private let set: EvaluationSet
    private let programs: ProgramSet
    private let budget: Int
    private let parts: Int
    /// Parts of the budget that have been scored.
    private var done = 0
    private let begun: ContinuousClock.Instant
    private var scoring = Duration.zero

    /// Runs the blocks that stay as they are over the evaluation set, if no run before has.
    ///
    /// - Throws: what the model throws for a token outside the vocabulary.
    init(_ shared: SharedEvaluation, _ programs: ProgramSet, budget: Int, parts: Int) throws {
        self.shared = shared
        set = try shared.set(frozenBlocks: programs.frozenBlocks)
        self.programs = programs
        self.budget = budget
        self.parts = parts
        begun = .now
    }

    /// Scores what training begins with.
    mutating func recordBegin(_ run: FleetRun) throws -> ExperimentResult.Point {
        let start = ContinuousClock.now
        return try record(run, shared.untuned(programs.trained(), in: set), since: start)
    }

    /// Scores what has been learned when another part of the budget is spent; the end is scored when all is done.
    mutating func recordIfDue(_ run: FleetRun) throws -> ExperimentResult.Point? {
        let spent = min(parts - 1, parts * tokens(run) / max(1, budget))
        guard spent > done, run.totals.steps < programs.steps else { return nil }
        done = spent
        let start = ContinuousClock.now
        return try record(run, set.score(programs.trained(), limit: shared.onTheWay), since: start)
    }

    /// Scores what has been learned in all.
    mutating func recordEnd(_ run: FleetRun) throws -> ExperimentResult.Point {
        let start = ContinuousClock.now
        return try record(run, set.score(programs.trained()), since: start)
    }

    private mutating func record(
        _ run: FleetRun, _ score: EvaluationSet.Score, since start: ContinuousClock.Instant
    ) -> ExperimentResult.Point {
        let timeline = run.clock.timeline
        let point = ExperimentResult.Point(
            step: run.totals.steps, tokens: tokens(run), simulatedSeconds: run.clock.now,
            measuredSeconds: (start - begun - scoring) / .seconds(1), scored: score.targets, accuracy: score.accuracy,
            loss: score.loss,
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
