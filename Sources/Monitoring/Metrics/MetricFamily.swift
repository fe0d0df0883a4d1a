/// What kind of figure a metric is.
public enum MetricKind: Sendable, Equatable {
    /// Only grows, until the process is started again.
    case counter
    /// Goes up and down.
    case gauge
    /// Counts observations by size: one bucket for each bound, and one for the rest.
    case histogram(bounds: [Double])

    /// Its name in a text of metrics.
    public var name: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}

/// What a metric means.
public struct MetricDescription: Sendable, Equatable {
    /// Its full name; of a counter with `_total`.
    public let name: String
    /// What kind of figure it is.
    public let kind: MetricKind
    /// What it says, in a sentence without a full stop.
    public let help: String

    /// A metric in words.
    public init(_ name: String, _ kind: MetricKind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }
}

/// All figures of one metric at one moment.
public struct MetricFamily: Sendable, Equatable {
    /// A name and a value by which figures of a metric are told apart.
    public struct Label: Sendable, Hashable, Comparable {
        /// What is told apart.
        public let name: String
        /// Which one it is.
        public let value: String

        /// A label.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }

        /// By name, then by value.
        public static func < (one: Label, other: Label) -> Bool {
            (one.name, one.value) < (other.name, other.value)
        }
    }

    /// One figure.
    public enum Value: Sendable, Equatable {
        /// Of a counter or a gauge.
        case number(Double)
        /// Of a histogram: observations in each bucket and in the one for the rest, and the sum of all of them.
        case observations(counts: [Int], sum: Double)
    }

    /// One figure with what tells it apart.
    public struct Sample: Sendable, Equatable {
        /// In the order of their names.
        public let labels: [Label]
        /// The figure.
        public let value: Value

        /// A figure.
        public init(_ labels: [Label], _ value: Value) {
            self.labels = labels
            self.value = value
        }
    }

    /// What the metric means.
    public let description: MetricDescription
    /// In the order of their labels.
    public let samples: [Sample]

    /// Figures of a metric.
    public init(_ description: MetricDescription, _ samples: [Sample]) {
        self.description = description
        self.samples = samples
    }
}
