import Wire

/// Turns step reports into the figures that people read: rates, waiting time and totals since training began.
struct TrainingMeter {
    let steps: Int
    private(set) var totals: TrainingTotals
    private(set) var stepsTaken: Int

    /// - Parameters:
    ///   - steps: optimizer steps of the whole run.
    ///   - stepsTaken: by the process that was resumed.
    init(steps: Int, stepsTaken: Int = 0, totals: TrainingTotals = TrainingTotals()) {
        self.steps = steps
        self.stepsTaken = stepsTaken
        self.totals = totals
    }

    /// Counts a step.
    ///
    /// - Parameters:
    ///   - report: its accuracy is no number where it is not known.
    ///   - seconds: since training began, with that of the process that was resumed.
    ///   - bubble: share of the steps' time in which stages waited for each other, 0 without stages.
    ///   - memoryBytes: resident now.
    mutating func line(
        _ report: Body.StepReport, seconds: Double, bubble: Double, memoryBytes: Int
    ) -> TrainingLine {
        stepsTaken = Int(report.step)
        totals.add(
            epoch: Int(report.epoch), loss: report.loss, tokens: Int(report.tokens), stepSeconds: report.seconds,
            seconds: seconds)
        let stepping = min(1, totals.stepSeconds / max(seconds, 1e-9))
        return TrainingLine(
            step: stepsTaken, steps: steps, epoch: totals.epoch, loss: report.loss,
            acc: report.accuracy.isNaN ? nil : report.accuracy,
            lr: report.learningRate, tokensPerSecond: Double(totals.tokens) / max(seconds, 1e-9),
            bubble: 1 - stepping * (1 - bubble), queue: Int(report.queueDepth),
            bytesUpPerSecond: Double(report.bytesUp) / max(seconds, 1e-9), memoryBytes: memoryBytes, seconds: seconds)
    }
}
