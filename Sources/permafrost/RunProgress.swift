import Ledger

/// Where a run stands, in figures.
struct RunProgress: Encodable {
    /// Steps over which a rate is taken.
    private static let window = 20

    let run: String
    let state: RecordedRun.State
    let step: Int
    let plannedSteps: Int?
    let epoch: Int?
    let loss: Double?
    let tokensPerSecond: Double?
    let devices: [String: Int]
    let settledSamples: Int
    let samples: Int

    /// - Throws: `LedgerError`.
    init(_ state: RunState, in ledger: Ledger) throws {
        run = state.run.id
        self.state = state.run.state
        step = state.run.step
        plannedSteps = state.run.plannedSteps
        epoch = state.newestStep?.epoch
        loss = state.newestStep?.loss
        let steps = try ledger.steps(of: run, after: max(0, step - Self.window), limit: Self.window)
        // The first step's tokens came before its time.
        let seconds = (steps.last?.time ?? 0) - (steps.first?.time ?? 0)
        tokensPerSecond = seconds > 0 ? Double(steps.dropFirst().reduce(0) { $0 + $1.tokens }) / seconds : nil
        devices = Dictionary(grouping: state.devices, by: \.state.rawValue).mapValues(\.count)
        settledSamples = state.cursors.reduce(0) { $0 + $1.settledSamples }
        samples = state.devices.reduce(0) { $0 + $1.samples }
    }

    /// `step 120/600  loss 0.4312  tok/s 2,410`.
    var text: String {
        var parts = ["step \(step)" + (plannedSteps.map { "/\($0)" } ?? "")]
        if let loss { parts.append("loss \(Figures.decimal(loss, 4))") }
        if let tokensPerSecond { parts.append("tok/s \(Figures.count(Int(clamping: tokensPerSecond)))") }
        return parts.joined(separator: "  ")
    }

    /// `3 publishing, 2 finished`.
    var deviceText: String {
        let states = DeviceRecord.State.allCases.compactMap { state in
            devices[state.rawValue].map { "\($0) \(state.rawValue)" }
        }
        return states.isEmpty ? "none" : states.joined(separator: ", ")
    }
}

extension Int {
    /// The nearest whole number that fits.
    fileprivate init(clamping value: Double) { self = Int(exactly: value.rounded()) ?? .max }
}
