import Checkpoints
import Datasets
import Foundation
import Recipes

/// A recipe's sentences as they stand in its data file, split.
public struct RecipeSentences: Sendable {
    /// One sentence and its class by name.
    public struct Sentence: Codable, Sendable {
        /// As it stands in the file.
        public let text: String
        /// The class.
        public let label: String
    }

    /// Sentences that devices train on.
    public let train: [Sentence]
    /// Sentences that nobody trains on.
    public let test: [Sentence]

    /// - Throws: `RunError` or `DataError`.
    public init(_ recipe: Recipe, cache: CacheFolder = CacheFolder()) throws {
        let (split, _) = try PreparedData.split(recipe, cache: cache)
        let names = recipe.task.labels.map(\.label)
        let named = { (example: Example) in Sentence(text: example.text, label: names[example.label]) }
        train = split.train.map(named)
        test = split.test.map(named)
    }
}

/// Writes values as one JSON object per line.
///
/// - Throws: `FileError.unwritable`.
public func writeJSONLines(_ values: [some Encodable], to path: String) throws {
    let text = values.map { jsonText($0) + "\n" }.joined()
    try WholeFile.write([Data(text.utf8)], to: URL(fileURLWithPath: path))
}
