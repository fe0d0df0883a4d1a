import Ledger
import Runs

extension RunProgress {
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
