/// What TSFA decides for a round (arXiv 2505.00333), and what decides it.
///
/// With virtual queues Z_n that hold by how much each device has been late, it minimises
///
///     V Σ error_n(k_n) + Σ Z_n τ_n,    τ_n = compute_n + bits_n(k_n) / (β_n rate_n),    Σ β_n ≤ 1
///
/// over kept ranks k_n and shares β_n of the band: the drift-plus-penalty step of Lyapunov optimisation. For given k, with
/// c_n = bits_n(k_n) / rate_n, the derivative of Σ w_n c_n / β_n is the same for all devices where β_n ∝ √(w_n c_n), and the
/// least value is (Σ √(w_n c_n))². What is left is a choice of k alone, found device by device until no change helps, from
/// the two ends.
///
/// *Ours*: k may be 0, for a device whose channel carries next to nothing. Without it no mean latency would be finite under
/// Rayleigh fading, where the mean of 1 / log₂(1 + SNR) is not.
public struct RoundAllocation: Sendable, Equatable {
    /// What is known of a device when the round begins.
    public struct Device: Sendable, Equatable {
        /// Until the device has something to send.
        public var computeSeconds: Double
        /// Of its channel in this round, over the whole band: W log₂(1 + SNR).
        public var bitsPerSecond: Double
        /// Of one kept rank.
        public var pairBits: Double
        /// Of what is sent beside the ranks.
        public var fixedBits: Double
        /// errors[k] is what sending only k ranks loses, from all that there is down to 0.
        public var errors: [Double]

        /// A device with a rate above zero and at least one error.
        public init(
            computeSeconds: Double, bitsPerSecond: Double, pairBits: Double, fixedBits: Double = 0, errors: [Double]
        ) {
            self.computeSeconds = computeSeconds
            self.bitsPerSecond = bitsPerSecond
            self.pairBits = pairBits
            self.fixedBits = fixedBits
            self.errors = errors
        }

        /// What dropping ranks loses of a device's energies in descending order; of equal ones as long as they are unknown.
        public static func errors(energies: [Double], rank: Int) -> [Double] {
            let known = energies.count == rank ? energies : Array(repeating: 1 / Double(rank), count: rank)
            return (0...rank).map { known.dropFirst($0).reduce(0, +) }
        }

        /// Seconds that so many ranks take with the whole band.
        func seconds(kept: Int) -> Double {
            kept == 0 ? 0 : (fixedBits + pairBits * Double(kept)) / bitsPerSecond
        }
    }

    /// Ranks that each device sends; a device with 0 sends nothing in this round.
    public let kept: [Int]
    /// Of the band. They sum to one if anybody sends.
    public let shares: [Double]
    /// τ of each device.
    public let seconds: [Double]

    /// The least weight of a queue, as a part of the limit. Seconds that were worth nothing while a queue is empty would be
    /// spent without an end in a single round.
    private static let leastWeight = 0.1

    /// - Parameters:
    ///   - devices: at least one.
    ///   - queues: Z of each, in seconds.
    ///   - limitSeconds: the latency that holds in the long run.
    ///   - accuracyWeight: V, above zero: seconds² that an error of one is worth.
    /// - Throws: `MethodError.noRate` for a device that could send nothing in any time.
    public init(
        _ devices: [Device], queues: [Double], limitSeconds: Double, accuracyWeight: Double
    ) throws(MethodError) {
        precondition(!devices.isEmpty && devices.count == queues.count, "each device has a queue")
        for (number, device) in devices.enumerated() {
            guard device.bitsPerSecond > 0, device.bitsPerSecond.isFinite, !device.errors.isEmpty else {
                throw .noRate(device: number)
            }
        }
        let weights = queues.map { max($0, Self.leastWeight * limitSeconds) }
        func root(_ n: Int, _ kept: Int) -> Double { (weights[n] * devices[n].seconds(kept: kept)).squareRoot() }
        func objective(_ kept: [Int]) -> Double {
            let roots = kept.indices.reduce(0) { $0 + root($1, kept[$1]) }
            return roots * roots + accuracyWeight * kept.indices.reduce(0) { $0 + devices[$1].errors[kept[$1]] }
        }
        let largest = devices.map { $0.errors.count - 1 }
        let ends = [devices.map { _ in 0 }, largest].map { Self.descend($0, largest: largest, objective) }
        let kept = objective(ends[1]) < objective(ends[0]) ? ends[1] : ends[0]
        let roots = kept.indices.map { root($0, kept[$0]) }, sum = roots.reduce(0, +)
        self.kept = kept
        shares = roots.map { $0 == 0 ? 0 : $0 / sum }
        seconds = kept.indices.map { n in
            devices[n].computeSeconds + (kept[n] == 0 ? 0 : devices[n].seconds(kept: kept[n]) * sum / roots[n])
        }
    }

    /// Changes one device at a time as long as that helps.
    private static func descend(_ start: [Int], largest: [Int], _ objective: ([Int]) -> Double) -> [Int] {
        var best = start, value = objective(start), hasChanged = true
        while hasChanged {
            hasChanged = false
            for n in best.indices {
                for kept in 0...largest[n] where kept != best[n] {
                    var trial = best
                    trial[n] = kept
                    let found = objective(trial)
                    // By more than rounding, or two equal choices could take turns for ever.
                    guard found < value * (1 - 1e-12) else { continue }
                    (best, value, hasChanged) = (trial, found, true)
                }
            }
        }
        return best
    }
}
