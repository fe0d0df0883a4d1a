/// When a device is there: from when it joins, within windows that may repeat, except while it is away. Work pauses
/// outside. All times are seconds from the run's begin.
public struct Availability: Sendable, Equatable {
    /// From its begin until just before its end.
    public struct Window: Sendable, Hashable {
        /// The begin, at least 0.
        public var from: Double
        /// The end, after the begin.
        public var to: Double

        /// A window of `to - from` seconds.
        public init(from: Double, to: Double) {
            self.from = from
            self.to = to
        }
    }

    /// Work that lacks less than this when a window ends is done: sums of rounded times are no more exact.
    private static let roundingSeconds = 1e-9

    /// In ascending order within a period, none overlapping another; empty for all the time.
    public var windows: [Window]
    /// The windows come again after so long: a day.
    public var periodSeconds: Double
    /// Nothing happens before.
    public var joinsAt: Double
    /// Nothing happens in between; nil when it never goes away.
    public var away: Range<Double>?

    /// A device that is there all the time unless something else is said.
    public init(
        windows: [Window] = [], periodSeconds: Double = 86_400, joinsAt: Double = 0, away: Range<Double>? = nil
    ) {
        self.windows = windows
        self.periodSeconds = periodSeconds
        self.joinsAt = joinsAt
        self.away = away
    }

    /// The first stretch of time from `time` on in which the device is there.
    public func stretch(from time: Double) -> Range<Double> {
        let open = openWindow(from: max(time, joinsAt))
        guard let away, away.overlaps(open) else { return open }
        if open.lowerBound < away.lowerBound { return open.lowerBound..<away.lowerBound }
        return away.upperBound < open.upperBound
            ? away.upperBound..<open.upperBound : openWindow(from: away.upperBound)
    }

    /// The stretches between two times, cut off at both.
    public func stretches(from start: Double, to end: Double) -> [Range<Double>] {
        var found: [Range<Double>] = []
        var next = stretch(from: start)
        while next.lowerBound < end {
            found.append(next.clamped(to: start..<end))
            next = stretch(from: next.upperBound)
        }
        return found
    }

    /// The time for which it is there between two times.
    public func seconds(from start: Double, to end: Double) -> Double {
        stretches(from: start, to: end).reduce(0) { $0 + $1.upperBound - $1.lowerBound }
    }

    /// When work of so many seconds ends that may begin at `start`.
    public func end(of seconds: Double, from start: Double) -> Double {
        guard seconds.isFinite else { return .infinity }
        var remaining = seconds
        var next = stretch(from: start)
        while remaining > next.upperBound - next.lowerBound + Self.roundingSeconds {
            remaining -= next.upperBound - next.lowerBound
            next = stretch(from: next.upperBound)
        }
        return min(next.lowerBound + remaining, next.upperBound)
    }

    private func openWindow(from time: Double) -> Range<Double> {
        guard !windows.isEmpty else { return time..<Double.infinity }
        var begin = (time / periodSeconds).rounded(.down) * periodSeconds
        while true {
            for window in windows where begin + window.to > time {
                return max(time, begin + window.from)..<(begin + window.to)
            }
            begin += periodSeconds
        }
    }
}
