import Wire

/// Turns step reports into the figures that people read: rates, waiting time and totals since training began.
struct TrainingMeter {
    let steps: Int
    private(set) var tokens = 0
    private(set) var stepSeconds = 0.0
    private(set) var stepsTaken = 0
    private(set) var epoch = 0
    private var epochLoss = 0.0
    private var epochSteps = 0

    /// - Parameter steps: optimizer steps of the whole run.
    init(steps: Int) { self.steps = steps }

    /// Mean loss of the steps of the last epoch, in nats; 0 before the first step.
    var lastEpochLoss: Double { epochSteps == 0 ? 0 : epochLoss / Double(epochSteps) }

    /// Counts a step.
    ///
    /// - Parameters:
    ///   - seconds: since training began.
    ///   - memoryBytes: resident now.
    mutating func line(_ report: Body.StepReport, seconds: Double, memoryBytes: Int) -> TrainingLine {
        if Int(report.epoch) != epoch {
            epoch = Int(report.epoch)
            epochLoss = 0
            epochSteps = 0
        }
        stepsTaken = Int(report.step)
        tokens += Int(report.tokens)
        stepSeconds += report.seconds
        epochLoss += report.loss
        epochSteps += 1
        return TrainingLine(
            step: stepsTaken, steps: steps, epoch: epoch, loss: report.loss, acc: report.accuracy,
            lr: report.learningRate, tokensPerSecond: Double(tokens) / max(seconds, 1e-9),
            bubble: max(0, 1 - stepSeconds / max(seconds, 1e-9)), queue: Int(report.queueDepth),
            bytesUpPerSecond: Double(report.bytesUp) / max(seconds, 1e-9), memoryBytes: memoryBytes, seconds: seconds)
    }
}
