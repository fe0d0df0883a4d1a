/// Sums over the steps of a run, which go with its checkpoints from process to process.
struct TrainingTotals: Sendable, Equatable {
    /// Tokens that passed the trainable blocks forward and backward.
    var tokens = 0
    /// Time in which a step was running.
    var stepSeconds = 0.0
    /// Time of training up to the newest step.
    var seconds = 0.0
    /// Of the newest step, from 1.
    var epoch = 0
    private var epochLoss = 0.0
    private var epochSteps = 0

    /// Before the first step.
    init() {}

    /// Mean loss of the steps of the last epoch, in nats; 0 before the first step.
    var lastEpochLoss: Double { epochSteps == 0 ? 0 : epochLoss / Double(epochSteps) }

    /// Counts a step.
    ///
    /// - Parameter seconds: time of training up to its end.
    mutating func add(epoch: Int, loss: Double, tokens: Int, stepSeconds: Double, seconds: Double) {
        if epoch != self.epoch {
            self.epoch = epoch
            epochLoss = 0
            epochSteps = 0
        }
        self.tokens += tokens
        self.stepSeconds += stepSeconds
        self.seconds = seconds
        epochLoss += loss
        epochSteps += 1
    }

    /// The sums by name, as a checkpoint keeps them.
    var meters: [String: Double] {
        [
            "tokens": Double(tokens), "step_seconds": stepSeconds, "seconds": seconds, "epoch": Double(epoch),
            "epoch_loss": epochLoss, "epoch_steps": Double(epochSteps),
        ]
    }

    /// Sums that a checkpoint has kept; what it lacks is 0.
    init(meters: [String: Double]) {
        func count(_ name: String) -> Int { meters[name].flatMap { Int(exactly: $0) } ?? 0 }
        tokens = count("tokens")
        stepSeconds = meters["step_seconds"] ?? 0
        seconds = meters["seconds"] ?? 0
        epoch = count("epoch")
        epochLoss = meters["epoch_loss"] ?? 0
        epochSteps = count("epoch_steps")
    }
}
