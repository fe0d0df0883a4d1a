/// How well predictions agree with labels, counted sample by sample.
public struct ClassificationMetrics: Sendable, Equatable {
    /// `confusion[label][prediction]` counts the samples of a label that were predicted so.
    public private(set) var confusion: [[Int]]

    /// Metrics over `classes` classes, before the first sample.
    public init(classes: Int) {
        confusion = Array(repeating: Array(repeating: 0, count: classes), count: classes)
    }

    /// Counts one sample.
    public mutating func record(label: Int, prediction: Int) {
        confusion[label][prediction] += 1
    }

    /// The number of samples.
    public var samples: Int { labelCounts.reduce(0, +) }

    /// The number of samples predicted rightly.
    public var correct: Int { confusion.indices.reduce(0) { $0 + confusion[$1][$1] } }

    /// For each class, the number of samples that have it as label.
    public var labelCounts: [Int] { confusion.map { $0.reduce(0, +) } }

    /// For each class, the number of samples for which it was predicted.
    public var predictionCounts: [Int] {
        confusion.indices.map { prediction in confusion.reduce(0) { $0 + $1[prediction] } }
    }

    /// The share of samples predicted rightly, in [0, 1]; 0 without samples.
    public var accuracy: Double { ratio(correct, samples) }

    /// The accuracy of always predicting the most frequent label; 0 without samples.
    public var majorityRate: Double { ratio(labelCounts.max() ?? 0, samples) }

    /// The mean over the classes of F1 = 2 TP / (2 TP + FP + FN), in [0, 1]. A class that is neither a label nor a
    /// prediction of any sample has no F1 and is left out.
    public var macroF1: Double {
        let scores = zip(labelCounts, predictionCounts).enumerated().compactMap { label, counts in
            counts.0 + counts.1 == 0 ? nil : ratio(2 * confusion[label][label], counts.0 + counts.1)
        }
        return scores.isEmpty ? 0 : scores.reduce(0, +) / Double(scores.count)
    }
}

private func ratio(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
