import Datasets
import Foundation
import Methods

/// How well a model does on a recipe's test examples.
public struct RunScore: Codable, Sendable, Equatable {
    /// Test examples.
    public var samples: Int
    /// Mean cross-entropy over the targets, in nats: label words, classes, or the answers' tokens.
    public var loss: Double
    /// Share of right classes.
    public var accuracy: Double?
    /// The accuracy of always naming the most frequent class.
    public var majority: Double?
    /// Mean over classes of F1.
    public var macroF1: Double?
    /// e to the loss: the number of tokens between which the model hesitates, where answers are words.
    public var perplexity: Double?
    /// Share of the answers' tokens that are the most likely ones after the true tokens before them.
    public var tokenAccuracy: Double?
    /// Share of generated answers whose final number is the reference's.
    public var exactMatch: Double?

    /// - Parameter exactMatch: nil when nothing was generated.
    init(_ score: EvaluationSet.Score, samples: Int, exactMatch: Double?) {
        self.samples = samples
        loss = score.loss
        if let classes = score.classes {
            accuracy = classes.accuracy
            majority = classes.majorityRate
            macroF1 = classes.macroF1
        } else {
            perplexity = exp(score.loss)
            tokenAccuracy = score.accuracy
        }
        self.exactMatch = exactMatch
    }

    /// The figures that are there, by name and in the order in which they are read.
    public var figures: [(name: String, value: Double)] {
        Self.fields.compactMap { name, path in self[keyPath: path].map { (name, $0) } } + [("loss", loss)]
    }

    private static var fields: [(String, WritableKeyPath<RunScore, Double?>)] {
        [
            ("exact match", \.exactMatch), ("accuracy", \.accuracy), ("majority", \.majority),
            ("macro-F1", \.macroF1), ("perplexity", \.perplexity), ("token accuracy", \.tokenAccuracy),
        ]
    }
}

extension RunScore {
    private static let prefix = "baseline "

    /// The figures as a checkpoint keeps them of the model before training.
    var meters: [String: Double] {
        var meters = Dictionary(uniqueKeysWithValues: figures.map { (Self.prefix + $0.name, $0.value) })
        meters[Self.prefix + "samples"] = Double(samples)
        return meters
    }

    /// What a checkpoint has kept of the model before training, nil when it was not scored.
    init?(meters: [String: Double]) {
        guard let loss = meters[Self.prefix + "loss"],
            let samples = meters[Self.prefix + "samples"].flatMap({ Int(exactly: $0) })
        else { return nil }
        self.samples = samples
        self.loss = loss
        for (name, path) in Self.fields { self[keyPath: path] = meters[Self.prefix + name] }
    }
}
