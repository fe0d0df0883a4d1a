import Coordinator
import Diagnostics
import Exchange
import Foundation
import Queueing
import Wire

/// How training ended.
enum RunEnding {
    case completed
    case interrupted
    case failed(any Error)

    init(_ outcome: CoordinatorOutcome) {
        switch outcome {
        case .completed: self = .completed
        case .interrupted, .left: self = .interrupted
        case .failed(let error, _): self = .failed(error)
        }
    }

    var state: RunSummary.State {
        switch self {
        case .completed: .completed
        case .interrupted: .interrupted
        case .failed: .failed
        }
    }
}

/// What is written down while a run trains: every event into `metrics.jsonl`, totals for the summary.
struct RunRecord {
    let setup: TrainingSetup
    let folder: RunFolder
    private(set) var meter: TrainingMeter
    private let metrics: MetricsLog
    private let clock = RoleClock()
    private var devices: [String: Body.DeviceProgress] = [:]
    /// Of the worker, when it could tell them.
    private(set) var totals: Body.WorkerFinished?
    private let earlierSeconds: Double
    private var lastStepSeconds: Double

    /// Begins the clock of training.
    ///
    /// - Parameters:
    ///   - startStep: the step after which a resumed run goes on; later lines of the log are taken back.
    ///   - totals: of the process that was resumed.
    /// - Throws: `RunError.folderUnwritable`.
    init(_ setup: TrainingSetup, folder: RunFolder, startStep: Int, totals: TrainingTotals) throws(RunError) {
        self.setup = setup
        self.folder = folder
        earlierSeconds = totals.seconds
        lastStepSeconds = totals.seconds
        meter = TrainingMeter(steps: setup.totalSteps, stepsTaken: startStep, totals: totals)
        metrics = try MetricsLog(folder: folder, upToStep: startStep)
    }

    /// Writes down what the coordinator tells, and gives what there is to show.
    ///
    /// - Throws: `RunError.folderUnwritable`.
    mutating func take(_ event: CoordinatorEvent) throws(RunError) -> RunEvent? {
        switch event {
        case .registered, .speaks, .began, .planned, .away, .returned, .failed, .refused, .draining, .handedOver,
            .lingering, .staying:
            return nil
        case .step(let report): return try take(report)
        case .deviceProgress(let device, let progress):
            devices[device] = progress
            try metrics.append(
                PublishedLine(
                    device: device, published: Int(progress.publishedSamples), finished: progress.finished,
                    seconds: clock.now.seconds))
            guard let number = setup.recipe.devices.number(of: device) else {
                return nil
            }
            return .published(
                device: number, samples: Int(progress.publishedSamples), of: setup.counts[number])
        }
    }

    /// Writes down a step.
    ///
    /// - Throws: `RunError.folderUnwritable`.
    mutating func take(_ report: Body.StepReport) throws(RunError) -> RunEvent {
        lastStepSeconds = earlierSeconds + clock.now.seconds
        let line = meter.line(
            report, seconds: lastStepSeconds, bubble: setup.pipeline?.bubble ?? 0,
            memoryBytes: ProcessMemory.residentBytes)
        try metrics.append(line)
        return .step(line)
    }

    /// Keeps the worker's totals.
    mutating func take(_ outcome: CoordinatorOutcome) {
        switch outcome {
        case .completed(let totals): self.totals = totals
        case .interrupted(let totals), .failed(_, let totals): self.totals = totals
        case .left: totals = nil
        }
    }

    /// Keeps the totals of a method's roles.
    ///
    /// - Parameter devices: by id.
    mutating func take(server: ProgramTotals, devices: [String: ProgramTotals]) {
        totals = Body.WorkerFinished(
            steps: UInt64(meter.stepsTaken), epochs: UInt32(clamping: meter.totals.epoch),
            tokens: UInt64(meter.totals.tokens), samples: UInt64(setup.samples), seconds: server.computeSeconds,
            bytesUp: UInt64(server.bytesReceived), bytesDown: UInt64(server.bytesSent))
        self.devices = devices.mapValues { Body.DeviceProgress($0, isLast: true) }
    }

    /// The run as a whole.
    ///
    /// - Parameter seconds: since the run began, loading included.
    func summary(_ ending: RunEnding, baseline: RunScore?, score: RunScore?, seconds: Double) -> RunSummary {
        let total = { (field: KeyPath<Body.DeviceProgress, UInt64>) in
            devices.values.reduce(0) { $0 + Int($1[keyPath: field]) }
        }
        return RunSummary(
            run: folder.id, state: ending.state, method: setup.recipe.training.method.rawValue, score: score,
            baseline: baseline, trainSamples: setup.samples, steps: meter.stepsTaken, epochs: meter.totals.epoch,
            trainTokens: meter.totals.tokens,
            tokensPerSecond: Double(meter.totals.tokens) / max(lastStepSeconds, 1e-9),
            finalLoss: meter.totals.lastEpochLoss, trainSeconds: lastStepSeconds, wallSeconds: seconds,
            deviceSeconds: devices.isEmpty ? nil : Double(total(\.computeNanoseconds)) * 1e-9,
            serverSeconds: totals?.seconds ?? meter.totals.stepSeconds,
            bytesUp: devices.isEmpty ? Int(clamping: totals?.bytesUp ?? 0) : total(\.bytesUp),
            bytesDown: devices.isEmpty ? Int(clamping: totals?.bytesDown ?? 0) : total(\.bytesDown),
            peakRssBytes: ProcessMemory.peakResidentBytes,
            trainableParameters: setup.parameters.layout.count,
            adapterPath: meter.stepsTaken > 0 ? folder.adapterPath : nil,
            frozenForwardSeconds: totals.flatMap { $0.frozenForwardSeconds > 0 ? $0.frozenForwardSeconds : nil },
            pipeline: setup.pipeline?.summary,
            seed: setup.recipe.seed)
    }

    private struct PublishedLine: Encodable {
        let device: String
        let published: Int
        let finished: Bool
        let seconds: Double
    }
}
