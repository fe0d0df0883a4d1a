/// Where lines for people go.
public protocol LineSink: Sendable {
    /// A line that stays.
    func line(_ text: String)

    /// A line that the next one replaces, or that is shown now and then.
    func status(_ text: @autoclosure () -> String)
}
