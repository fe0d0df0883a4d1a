import Ledger

/// Where a run stands, in figures.
public struct RunProgress: Encodable, Sendable, Equatable {
    /// Steps over which a rate is taken.
    private static let window = 20

    /// The run's id.
    public let run: String
    /// How far it has come.
    public let state: RecordedRun.State
    /// The newest recorded step.
    public let step: Int
    /// Steps in all, nil while the number of samples is not known.
    public let plannedSteps: Int?
    /// The epoch of the newest step.
    public let epoch: Int?
    /// The loss of the newest step.
    public let loss: Double?
    /// Training tokens a second, of the newest steps.
    public let tokensPerSecond: Double?
    /// Devices by what they are doing.
    public let devices: [String: Int]
    /// Samples that workers have.
    public let settledSamples: Int
    /// Samples of all devices.
    public let samples: Int
    /// What the newest steps took, with what was between them.
    private let pace: Pace

    /// - Throws: `LedgerError`.
    public init(_ state: RunState, in ledger: Ledger) throws(LedgerError) {
        run = state.run.id
        self.state = state.run.state
        step = state.run.step
        plannedSteps = state.run.plannedSteps
        epoch = state.newestStep?.epoch
        loss = state.newestStep?.loss
        pace = Pace(try ledger.steps(of: run, after: max(0, step - Self.window), limit: Self.window))
        tokensPerSecond = pace.tokensPerSecond
        devices = Dictionary(grouping: state.devices, by: \.state.rawValue).mapValues(\.count)
        settledSamples = state.cursors.reduce(0) { $0 + $1.settledSamples }
        samples = state.devices.reduce(0) { $0 + $1.samples }
    }

    /// How long the rest takes at this pace; nil when that is not known, or the run is over.
    public var secondsLeft: Double? {
        guard let plannedSteps, !state.isOver, let seconds = pace.secondsPerStep else { return nil }
        return Double(max(0, plannedSteps - step)) * seconds
    }

    /// Share of the time in which no step was running, of the newest steps.
    public var idleRatio: Double? { pace.idleRatio }

    private struct Pace: Sendable, Equatable {
        var tokensPerSecond: Double?
        var secondsPerStep: Double?
        var idleRatio: Double?

        init(_ steps: [StepRecord]) {
            let seconds = (steps.last?.time ?? 0) - (steps.first?.time ?? 0)
            guard seconds > 0 else { return }
            // The first step's tokens came before its time.
            let later = steps.dropFirst()
            tokensPerSecond = Double(later.reduce(0) { $0 + $1.tokens }) / seconds
            secondsPerStep = seconds / Double(later.count)
            let busy = later.reduce(0) { $0 + ($1.seconds ?? 0) }
            idleRatio = busy > 0 ? max(0, 1 - busy / seconds) : nil
        }
    }

    private enum CodingKeys: CodingKey {
        case run, state, step, plannedSteps, epoch, loss, tokensPerSecond, devices, settledSamples, samples
    }
}
