/// What every device and the server did, and when. All times are *simulated* seconds from the run's begin.
public struct Timeline: Sendable, Equatable {
    /// What can be done at the same time as the others.
    public enum Activity: String, Sendable, CaseIterable {
        case compute, up, down
    }

    /// A stretch of time.
    public typealias Span = Range<Double>

    /// The spans of one activity of one device, and how much was done in them.
    public struct Track: Sendable, Equatable {
        /// In ascending order and apart. A message that waits for a stalled link takes time as well.
        public private(set) var spans: [Span] = []
        /// Operations, bytes, or seconds of the server.
        public private(set) var amount = 0.0

        /// The time of all spans.
        public var seconds: Double { spans.reduce(0) { $0 + $1.upperBound - $1.lowerBound } }

        mutating func add(_ amount: Double, _ added: [Span]) {
            self.amount += amount
            for span in added where !span.isEmpty {
                if let last = spans.last, last.upperBound == span.lowerBound {
                    spans[spans.count - 1] = last.lowerBound..<span.upperBound
                } else {
                    spans.append(span)
                }
            }
        }
    }

    private var tracks: [Track]
    /// What the server did.
    public private(set) var server = Track()

    init(devices: Int) {
        tracks = Array(repeating: Track(), count: devices * Activity.allCases.count)
    }

    /// The number of devices.
    public var devices: Int { tracks.count / Activity.allCases.count }

    /// What a device did.
    public func track(_ activity: Activity, of device: Int) -> Track { tracks[Self.lane(activity, of: device)] }

    /// When a device did anything.
    public func busy(_ device: Int) -> [Span] {
        let spans = Activity.allCases.flatMap { track($0, of: device).spans }.sorted { $0.lowerBound < $1.lowerBound }
        return spans.reduce(into: []) { merged, span in
            if let last = merged.last, span.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, span.upperBound)
            } else {
                merged.append(span)
            }
        }
    }

    /// When a device did nothing, from 0 until a time: it waited, or was not there.
    public func idle(_ device: Int, until end: Double) -> [Span] {
        var spans: [Span] = []
        var time = 0.0
        for span in busy(device) where span.lowerBound < end {
            if time < span.lowerBound { spans.append(time..<span.lowerBound) }
            time = span.upperBound
        }
        if time < end { spans.append(time..<end) }
        return spans
    }

    /// What a device took from its battery while it did anything.
    public func joules(_ device: Int, watts: Double) -> Double {
        watts * busy(device).reduce(0) { $0 + $1.upperBound - $1.lowerBound }
    }

    mutating func add(_ amount: Double, _ spans: [Span], lane: Int) {
        if lane < tracks.count {
            tracks[lane].add(amount, spans)
        } else {
            server.add(amount, spans)
        }
    }

    static func lane(_ activity: Activity, of device: Int) -> Int {
        let number =
            switch activity {
            case .compute: 0
            case .up: 1
            case .down: 2
            }
        return device * Activity.allCases.count + number
    }
}
