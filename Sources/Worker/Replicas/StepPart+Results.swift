import Methods
import Wire

extension Body.StepPart {
    /// No target's loss is larger: it is a difference of two floats.
    private static let mostLoss = 2 * Double(Float.greatestFiniteMagnitude)

    /// What micro-batches came to that have so many targets.
    ///
    /// - Throws: `WireError` for what no micro-batches come to.
    func results(ofTargets counts: [Int]) throws(WireError) -> [MicroBatchPass.Result] {
        guard lossSums.count == counts.count, correct.count == counts.count else {
            throw .unexpectedMessage("StepPart without all of its losses")
        }
        for (index, targets) in counts.enumerated() {
            let loss = lossSums[index]
            // Sums of such losses and counts cannot leave their types.
            guard loss >= 0, loss <= Double(targets) * Self.mostLoss, correct[index] <= UInt64(targets) else {
                throw .unexpectedMessage("StepPart with losses that nothing has")
            }
        }
        return zip(lossSums, correct).map { MicroBatchPass.Result(lossSum: $0, correct: Int(clamping: $1)) }
    }
}
