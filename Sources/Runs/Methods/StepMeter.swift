import Exchange
import Methods
import Queueing
import Recipes
import Wire

extension Recipe {
    /// Passes of a step's batch that end at the head.
    fileprivate var passesPerStep: Int {
        guard training.method.probes else { return 1 }
        return 2 * method.pairs + (training.method == .hosl && method.variant == .paper ? 1 : 0)
    }
}

/// Makes steps and rounds of a method to reports as every method has them.
struct StepMeter {
    private let setup: TrainingSetup
    private let clock = RoleClock()
    private var last = Duration.zero
    private var lastTokens = 0
    /// Steps so far: where devices have some under way at once, a later one may be taken first.
    private(set) var taken = 0

    init(_ setup: TrainingSetup) { self.setup = setup }

    /// - Parameter headTokens: of both sides so far. With probes a step takes many passes on the same tokens.
    mutating func report(_ progress: MethodProgress, _ totals: ProgramTotals, headTokens: Int) -> Body.StepReport {
        let recipe = setup.recipe, now = clock.now
        let passes = recipe.passesPerStep
        let tokens = headTokens / passes
        defer { (last, lastTokens) = (now, tokens) }
        taken += 1
        return Body.StepReport(
            step: UInt64(taken),
            epoch: UInt32(1 + (taken - 1) * recipe.training.epochs / max(1, setup.totalSteps)),
            loss: progress.loss, accuracy: .nan,
            learningRate: setup.rates.rate(step: taken * setup.budget.localSteps),
            tokens: UInt64(max(0, tokens - lastTokens)), samples: 0, seconds: (now - last).seconds, queueDepth: 0,
            bytesUp: UInt64(totals.bytesReceived))
    }
}
