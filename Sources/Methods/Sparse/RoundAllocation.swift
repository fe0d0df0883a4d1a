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
        /// errors[k − 1] is what sending only k ranks loses, falling, 0 for all of them.
        public var errors: [Double]

        /// A device with a rate above zero and at least one rank.
        public init(
            computeSeconds: Double, bitsPerSecond: Double, pairBits: Double, fixedBits: Double = 0, errors: [Double]
        ) {
            self.computeSeconds = computeSeconds
            self.bitsPerSecond = bitsPerSecond
            self.pairBits = pairBits
            self.fixedBits = fixedBits
            self.errors = errors
        }

        /// What dropping ranks loses of energies in descending order.
        public static func errors(energies: [Double]) -> [Double] {
            energies.indices.map { energies.dropFirst($0 + 1).reduce(0, +) }
        }

        /// Seconds that so many ranks take with the whole band.
        func seconds(kept: Int) -> Double { (fixedBits + pairBits * Double(kept)) / bitsPerSecond }
    }

    /// Ranks that each device sends, from 1.
    public let kept: [Int]
    /// Of the band; they sum to one.
    public let shares: [Double]
    /// τ of each device.
    public let seconds: [Double]

    /// The queues' least weight in the shares, as a part of the limit: a device whose queue is empty gets a little of the
    /// band, or its round would never end.
    private static let leastWeight = 1e-3

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
            return roots * roots + accuracyWeight * kept.indices.reduce(0) { $0 + devices[$1].errors[kept[$1] - 1] }
        }
        let starts = [devices.map { _ in 1 }, devices.map(\.errors.count)]
        let ends = starts.map { Self.descend($0, largest: devices.map(\.errors.count), objective) }
        let kept = objective(ends[1]) < objective(ends[0]) ? ends[1] : ends[0]
        let roots = kept.indices.map { root($0, kept[$0]) }, sum = roots.reduce(0, +)
        self.kept = kept
        shares = roots.map { $0 / sum }
        seconds = kept.indices.map { n in
            devices[n].computeSeconds + devices[n].seconds(kept: kept[n]) * sum / roots[n]
        }
    }

    /// Changes one device at a time as long as that helps.
    private static func descend(_ start: [Int], largest: [Int], _ objective: ([Int]) -> Double) -> [Int] {
        var best = start, value = objective(start), hasChanged = true
        while hasChanged {
            hasChanged = false
            for n in best.indices {
                for kept in 1...largest[n] where kept != best[n] {
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

/// The virtual queues of a latency that holds in the long run: Z ← max(Z + τ − limit, 0).
///
/// Summed over T rounds, the mean of τ is at most limit + Z_T / T. So a queue that stays bounded brings the mean under any
/// number above the limit; the queues work with a limit that is smaller by the margin, and the mean ends under the one that
/// was asked for.
public struct LatencyQueues: Sendable, Equatable {
    /// Z of each device, in seconds.
    public private(set) var values: [Double]
    /// The limit that was asked for.
    public let limitSeconds: Double
    private let margin: Double

    /// Empty queues.
    ///
    /// - Parameter margin: a share of the limit.
    public init(devices: Int, limitSeconds: Double, margin: Double = 0.02) {
        values = Array(repeating: 0, count: devices)
        self.limitSeconds = limitSeconds
        self.margin = margin
    }

    /// A round has taken these latencies.
    public mutating func record(_ seconds: [Double]) {
        let limit = limitSeconds * (1 - margin)
        values = zip(values, seconds).map { max($0 + $1 - limit, 0) }
    }
}
