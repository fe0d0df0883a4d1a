import Foundation

/// The reader for sentences with a mean rating: `id TAB mean rating TAB sentence`, UTF-8, no header.
///
/// A rating above zero makes the sentence positive, one below zero negative; a sentence rated exactly zero says
/// neither and is dropped.
public enum RatedSentences {
    /// The class names that the label map must have, in whatever order.
    public static let classes = ["negative", "positive"]

    /// Reads the sentences of a file, in the file's order.
    ///
    /// - Parameters:
    ///   - file: the path of the file.
    ///   - labels: a map that names `negative` and `positive`.
    ///   - minimumAbsoluteRating: sentences rated nearer to zero than this are dropped, too.
    /// - Throws: `DataError`.
    public static func read(
        file: String, labels: LabelMap, minimumAbsoluteRating: Double = 0
    ) throws(DataError) -> [Example] {
        try examples(in: DataLines(file: file), labels: labels, minimumAbsoluteRating: minimumAbsoluteRating)
    }

    /// Reads sentences that are in memory already; `file` names them in errors.
    ///
    /// - Throws: `DataError`.
    public static func parse(
        _ bytes: Data, file: String, labels: LabelMap, minimumAbsoluteRating: Double = 0
    ) throws(DataError) -> [Example] {
        try examples(
            in: DataLines(file: file, bytes: bytes), labels: labels, minimumAbsoluteRating: minimumAbsoluteRating)
    }

    private static func examples(
        in lines: DataLines, labels: LabelMap, minimumAbsoluteRating: Double
    ) throws(DataError) -> [Example] {
        guard let negative = labels.names.firstIndex(of: "negative"),
            let positive = labels.names.firstIndex(of: "positive")
        else {
            throw .unusableLabels(names: labels.names, reason: "rated sentences are 'negative' or 'positive'")
        }
        var examples: [Example] = []
        try lines.forEachRecord(fields: ["id", "rating", "sentence"]) { line, values throws(DataError) in
            guard let rating = Double(values[1]), rating.isFinite else {
                throw lines.malformed(line, expected: "a finite number as rating", found: "'\(values[1].prefix(40))'")
            }
            guard rating != 0, abs(rating) >= minimumAbsoluteRating else { return }
            examples.append(
                Example(line: line, text: String(values[2]), label: rating > 0 ? positive : negative))
        }
        return examples
    }
}
