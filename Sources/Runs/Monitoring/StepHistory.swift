import Ledger

/// The course of a run's steps, read once and then continued.
struct StepHistory: Sendable, Equatable {
    /// One step of it.
    struct Point: Encodable, Sendable, Equatable {
        let step: Int
        let loss: Double?
        let accuracy: Double?
    }

    /// Points that are drawn at most.
    static let mostPoints = 240
    /// Steps that are in memory at a time while they are read.
    private static let piece = 500

    private(set) var points: [Point] = []
    private(set) var tokens = 0
    private(set) var samples = 0
    /// What each step took, as far as it was told.
    private(set) var seconds: [Double] = []
    private var hash = ""

    /// Reads what has come since the last time; everything when steps were taken again with another result.
    ///
    /// - Throws: `LedgerError`.
    mutating func follow(_ run: String, in ledger: Ledger) throws(LedgerError) {
        if let last = points.last?.step, try ledger.steps(of: run, after: last - 1, limit: 1).first?.hash != hash {
            self = StepHistory()
        }
        while case let steps = try ledger.steps(of: run, after: points.last?.step ?? 0, limit: Self.piece),
            !steps.isEmpty
        {
            for step in steps { take(step) }
        }
    }

    private mutating func take(_ step: StepRecord) {
        points.append(Point(step: step.step, loss: step.loss, accuracy: step.accuracy))
        tokens += step.tokens
        samples += step.samples
        if let time = step.seconds { seconds.append(time) }
        hash = step.hash
    }

    /// Few enough of the points to draw, evenly chosen, always with the first and the newest.
    var thinned: [Point] {
        guard points.count > Self.mostPoints else { return points }
        let last = points.count - 1
        return (0..<Self.mostPoints).map { points[$0 * last / (Self.mostPoints - 1)] }
    }
}
