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

/// TSFA's second stage (arXiv 2505.00333): decides one round after another, and remembers who has been late.
public struct OnlineAllocation: Sendable, Equatable {
    /// By how much each device has been late.
    public private(set) var queues: LatencyQueues
    private let accuracyWeight: Double
    /// As they were before the round that was decided last.
    private var before: LatencyQueues

    /// Empty queues.
    ///
    /// - Parameters:
    ///   - limitSeconds: the latency of a round that holds in the long run, for every device.
    ///   - accuracyWeight: V. Queues grow with it, and so does the time until the mean is under the limit.
    public init(devices: Int, limitSeconds: Double, accuracyWeight: Double) {
        queues = LatencyQueues(devices: devices, limitSeconds: limitSeconds)
        before = queues
        self.accuracyWeight = accuracyWeight
    }

    /// The next round, of which the latencies are taken to be those that were planned until they have been measured.
    ///
    /// - Parameter measured: latencies of the round before; nil where they are those that were planned.
    /// - Throws: `MethodError.noRate` for a device that could send nothing in any time.
    public mutating func next(
        _ devices: [RoundAllocation.Device], measured: [Double]? = nil
    ) throws(MethodError) -> RoundAllocation {
        if let measured {
            queues = before
            queues.record(measured)
        }
        let allocation = try RoundAllocation(
            devices, queues: queues.values, limitSeconds: queues.limitSeconds, accuracyWeight: accuracyWeight)
        before = queues
        queues.record(allocation.seconds)
        return allocation
    }
}
