/// TSFA's first stage (arXiv 2505.00333): the structural rank, chosen once, before training, for the rate that the
/// channel is expected to have.
///
/// An update whose singular values are σ_1 ≥ σ_2 ≥ … loses the share Σ_{i>r} σ_i² / Σ σ_i² of its energy to rank r: the rank
/// error. A rank of which the channel carries only k pairs a round drops the share s = 1 − k/r of them, the weakest, and
/// these have at most the share s of what rank r holds: the bound of the sparsification error. The first falls with r, the
/// second rises, and the rank with the least sum is taken. *Ours*: the paper's constants are not published.
public enum OfflineRank {
    /// The share of the energy that rank r cannot hold.
    ///
    /// - Parameter singularValues: of a full update, such as one of a short central run, in descending order.
    public static func rankError(_ singularValues: [Double], rank: Int) -> Double {
        let energies = singularValues.map { $0 * $0 }, sum = energies.reduce(0, +)
        return sum > 0 ? energies.dropFirst(rank).reduce(0, +) / sum : 0
    }

    /// The most of the energy that dropping pairs can lose, when so many of them can be sent.
    public static func sparsificationError(_ singularValues: [Double], rank: Int, sendablePairs: Double) -> Double {
        let sparsity = max(0, 1 - max(0, sendablePairs) / Double(rank))
        return sparsity * (1 - rankError(singularValues, rank: rank))
    }

    /// The rank with the least error; of equal ones the smallest.
    ///
    /// - Parameters:
    ///   - candidates: ranks to choose from, at least one, each positive.
    ///   - sendablePairs: pairs that a device can send in a round at the expected rate, the mean over devices.
    public static func choose(_ singularValues: [Double], candidates: [Int], sendablePairs: Double) -> Int {
        precondition(!candidates.isEmpty && candidates.allSatisfy { $0 > 0 }, "there is a rank to choose")
        let errors = candidates.sorted().map { rank in
            (
                error: rankError(singularValues, rank: rank)
                    + sparsificationError(singularValues, rank: rank, sendablePairs: sendablePairs),
                rank: rank
            )
        }
        return errors.dropFirst().reduce(errors[0]) { $1.error < $0.error ? $1 : $0 }.rank
    }

    /// Pairs that a device can send in a round with an equal share of the band.
    ///
    /// - Parameters:
    ///   - bitsPerSecond: expected over the whole band.
    ///   - seconds: what a round has left when the device has computed.
    public static func sendablePairs(
        bitsPerSecond: Double, devices: Int, seconds: Double, pairBits: Double
    ) -> Double {
        max(0, seconds) * bitsPerSecond / Double(devices) / pairBits
    }
}
