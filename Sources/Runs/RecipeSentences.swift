import Checkpoints
import Datasets
import Foundation
import Recipes

/// A recipe's examples as they stand in its data file, split.
public struct RecipeSentences: Sendable {
    /// One text and its answer.
    public struct Sentence: Codable, Sendable {
        /// The values of the prompt's fields as they stand in the file, one under the other.
        public let text: String
        /// The class by name; nil for an answer in words.
        public let label: String?
        /// The answer in words; nil for a class.
        public let answer: String?

        /// Both on one line with a tab between them, the class first and an answer in words last. Line ends are
        /// written `\n`.
        public var line: String {
            [label, text, answer].compactMap { $0?.replacing("\n", with: "\\n") }.joined(separator: "\t")
        }
    }

    /// Examples that devices train on.
    public let train: [Sentence]
    /// Examples that nobody trains on.
    public let test: [Sentence]

    /// - Throws: `RunError` or `DataError`.
    public init(_ recipe: Recipe, cache: CacheFolder = CacheFolder()) throws {
        let split = try PreparedData.split(recipe, cache: cache)
        let names = recipe.task.labels.map(\.name)
        let named = { (example: Example) in
            Sentence(text: example.text, label: example.label.map { names[$0] }, answer: example.answer)
        }
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
