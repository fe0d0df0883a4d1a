/// One method on one imbalance: means over the seeds of what was known at the end of each run. Runs that diverged are
/// counted and are in no mean.
public struct ComparisonRow: Codable, Equatable, Sendable {
    /// Such as `fedlora`.
    public var method: String
    /// Such as `dirichlet(0.1)`.
    public var imbalance: String
    /// With which learning rate.
    public var learningRate: Double
    /// Runs that came to their end.
    public var runs: Int
    /// Runs that did not.
    public var diverged: Int
    /// Share of right predictions.
    public var accuracy: Spread
    /// In nats.
    public var loss: Spread
    /// Share of the most frequent class.
    public var majorityRate: Double
    /// Percentage points by which `Comparison.subject` is ahead; nil where it has no result.
    public var subjectPoints: Double?
    /// By which share of this accuracy it is ahead.
    public var subjectGain: Double?
    /// *Simulated* seconds.
    public var simulatedSeconds: Double
    /// From all devices.
    public var bytesUp: Double
    /// To all devices.
    public var bytesDown: Double
    /// Of all devices.
    public var deviceFLOPs: Double
    /// Of the server.
    public var serverFLOPs: Double
    /// The largest of a device.
    public var deviceMemoryBytes: Int
    /// Of all devices, *simulated*, where every class states watts.
    public var joules: Double?

    enum CodingKeys: String, CodingKey {
        case method, imbalance, learningRate, runs, diverged, accuracy, loss, majorityRate, subjectPoints, subjectGain
        case simulatedSeconds, bytesUp, bytesDown, deviceMemoryBytes, joules
        case deviceFLOPs = "deviceFlops", serverFLOPs = "serverFlops"
    }

    /// Nil where no run came to its end.
    init?(_ records: [ExperimentRecord], subject: Spread?) {
        let ended = records.compactMap(\.result).filter { !$0.points.isEmpty }
        let last = ended.compactMap(\.points.last)
        guard let first = records.first, let accuracy = Spread(last.map(\.accuracy)),
            let loss = Spread(last.map(\.loss))
        else { return nil }
        let mean = { (value: (ExperimentResult.Point) -> Double) in
            last.reduce(0) { $0 + value($1) } / Double(last.count)
        }
        method = first.job.key.method
        imbalance = first.job.key.imbalance
        learningRate = first.job.learningRate
        runs = ended.count
        diverged = records.count - ended.count
        self.accuracy = accuracy
        self.loss = loss
        majorityRate = ended[0].majorityRate
        subjectPoints = subject.map { 100 * ($0.mean - accuracy.mean) }
        subjectGain = accuracy.mean > 0 ? subject.map { $0.mean / accuracy.mean - 1 } : nil
        simulatedSeconds = mean(\.simulatedSeconds)
        bytesUp = mean { Double($0.bytesUp) }
        bytesDown = mean { Double($0.bytesDown) }
        deviceFLOPs = mean(\.deviceFLOPs)
        serverFLOPs = mean(\.serverFLOPs)
        deviceMemoryBytes = ended.flatMap(\.devices).map(\.memoryBytes).max() ?? 0
        let devices = ended.flatMap(\.devices), energies = devices.compactMap(\.joules)
        joules = energies.isEmpty || energies.count < devices.count ? nil : energies.reduce(0, +) / Double(ended.count)
    }
}

extension Comparison {
    /// The table of an imbalance, in the methods' order.
    public func rows(_ imbalance: String) -> [ComparisonRow] {
        let subject = Spread(results(Self.subject, imbalance).compactMap(\.points.last?.accuracy))
        return methods.compactMap { method in
            ComparisonRow(records(method, imbalance), subject: method == Self.subject ? nil : subject)
        }
    }
}
