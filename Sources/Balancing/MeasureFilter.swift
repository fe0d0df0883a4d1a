/// Seconds per unit of work, as a moving average that counts only with a minimum of evidence.
///
/// Seconds and units are averaged apart, so that a long observation weighs more than a short one.
public struct MeasureFilter: Codable, Sendable, Equatable {
    /// What an observation weighs after each later one.
    private static let remembered = 0.8
    /// Observations that make an average, however short.
    private static let minimumObservations = 3
    /// Time observed that makes one, in however few observations: a weak device, whose cut matters most, takes long
    /// for a single message.
    private static let minimumSeconds = 3.0

    private var seconds = 0.0
    private var units = 0.0
    private var observations = 0
    private var lastSeconds = 0.0
    private var lastUnits = 0.0

    /// A filter without evidence.
    public init() {}

    /// Seconds per unit; nil while there is too little evidence.
    public var secondsPerUnit: Double? {
        let isEvidence = observations >= Self.minimumObservations || seconds >= Self.minimumSeconds
        guard isEvidence, units > 0, seconds > 0 else { return nil }
        return seconds / units
    }

    /// An observation. What is not finite or not above zero is no evidence.
    public mutating func observe(seconds newSeconds: Double, units newUnits: Double) {
        guard newSeconds.isFinite, newUnits.isFinite, newSeconds > 0, newUnits > 0 else { return }
        seconds = seconds * Self.remembered + newSeconds
        units = units * Self.remembered + newUnits
        observations += 1
    }

    /// An observation as totals that only grow. Where they fell, whoever counts has begun anew.
    public mutating func observe(totalSeconds: Double, totalUnits: Double) {
        guard totalSeconds.isFinite, totalUnits.isFinite else { return }
        let beganAnew = totalSeconds < lastSeconds || totalUnits < lastUnits
        let before = beganAnew ? (seconds: 0, units: 0) : (seconds: lastSeconds, units: lastUnits)
        (lastSeconds, lastUnits) = (totalSeconds, totalUnits)
        observe(seconds: totalSeconds - before.seconds, units: totalUnits - before.units)
    }

    /// Whether a measure differs from an earlier one by at least a share of it. A first measure has moved.
    static func hasMoved(_ new: Double?, from old: Double?, by fraction: Double) -> Bool {
        guard let new else { return false }
        guard let old else { return true }
        return abs(new - old) >= fraction * old
    }
}
