import Foundation

/// Says why a device has its cut.
struct Reasons {
    let workload: Workload
    let model: ModelFacts
    let prediction: Prediction

    /// One sentence.
    func sentence(for place: Int, device: DeviceMeasure, cut: Int) -> String {
        guard device.remainingTokens > 0 || device.tokens == 0 else { return "has published everything" }
        guard device.secondsPerBlockToken != nil else {
            return "keeps \(blocks(cut)) until it has been measured"
        }
        let busy = workload.computingSeconds(place, cut: cut)
        let wire = workload.wireSeconds(place)
        let possible = workload.possibleCuts(place)
        let times = "computes \(shown(busy)), sends \(shown(wire))"
        if possible.upperBound < min(model.minimumCut, model.frozenBlocks) {
            return "its memory holds \(blocks(cut)), fewer than the smallest cut \(model.minimumCut): \(times)"
        }
        if cut == model.frozenBlocks { return "runs all \(blocks(cut)): \(times)" }
        if cut == possible.upperBound { return "its memory holds \(blocks(cut)): \(times)" }
        let more = workload.computingSeconds(place, cut: cut + 1)
        if more > prediction.slowestDeviceSeconds, more > prediction.serverSeconds - workload.laterSeconds {
            return "one block more would make it the slowest, with \(shown(more)): \(times)"
        }
        return "the server has time for the other \(blocks(model.frozenBlocks - cut)): \(times)"
    }

    private func blocks(_ count: Int) -> String { "\(count) block\(count == 1 ? "" : "s")" }

    private func shown(_ seconds: Double) -> String { String(format: "%.3g s", seconds) }
}
