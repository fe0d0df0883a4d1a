/// The mean of some runs and how far they lie apart.
public struct Spread: Codable, Equatable, Sendable {
    /// The mean.
    public var mean: Double
    /// The standard deviation of a sample, with n − 1 below; nil of a single value, which has none.
    public var deviation: Double?

    /// Of no values there is none.
    public init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        self.mean = mean
        guard values.count > 1 else { return }
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = (squares / Double(values.count - 1)).squareRoot()
    }
}
