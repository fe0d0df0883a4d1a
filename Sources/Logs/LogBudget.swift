/// How many lines each kind of event may have: whatever others send to a role, its log stays small.
///
/// Times are measured from any fixed moment; the caller holds the clock.
public struct LogBudget: Sendable {
    /// Lines of one kind of event in one window.
    public static let lines = 500
    /// How long a window is.
    public static let window = Duration.seconds(10)

    private struct Spent {
        var begin: Duration
        var count = 0
        var left = 0
    }

    private var spent: [String: Spent] = [:]

    /// Nothing is spent.
    public init() {}

    /// Asks for a line.
    ///
    /// - Returns: whether it may be written, and how many of its kind were left out in windows that are over and have not
    ///   been told.
    public mutating func take(_ kind: String, now: Duration) -> (isGranted: Bool, leftOut: Int) {
        var entry = spent[kind] ?? Spent(begin: now)
        var leftOut = 0
        if now - entry.begin >= Self.window {
            leftOut = entry.left
            entry = Spent(begin: now)
        }
        let isGranted = entry.count < Self.lines
        if isGranted { entry.count += 1 } else { entry.left += 1 }
        spent[kind] = entry
        return (isGranted, leftOut)
    }
}
