/// The median of the times that something took of late.
public struct LateTimes: Sendable, Equatable {
    /// Times that are remembered.
    private static let most = 512

    private var seconds: [Double] = []
    private var next = 0

    /// No times yet.
    public init() {}

    /// Takes in a time, in place of the oldest one once there are many.
    public mutating func add(_ duration: Duration) {
        let time = duration / .seconds(1)
        if seconds.count < Self.most { seconds.append(time) } else { seconds[next] = time }
        next = (next + 1) % Self.most
    }

    /// In seconds; nil before the first.
    public var median: Double? { seconds.isEmpty ? nil : seconds.sorted()[seconds.count / 2] }
}
