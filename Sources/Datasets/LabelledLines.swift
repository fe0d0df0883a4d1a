import Foundation

/// The reader for labelled texts: `label TAB text`, UTF-8, no header.
public enum LabelledLines {
    /// Reads the texts of a file, in the file's order.
    ///
    /// - Throws: `DataError`; a label that the map does not name is `unknownLabel`.
    public static func read(file: String, labels: LabelMap) throws(DataError) -> [Example] {
        try examples(in: DataLines(file: file), labels: labels)
    }

    /// Reads texts that are in memory already; `file` names them in errors.
    ///
    /// - Throws: `DataError`.
    public static func parse(_ bytes: Data, file: String, labels: LabelMap) throws(DataError) -> [Example] {
        try examples(in: DataLines(file: file, bytes: bytes), labels: labels)
    }

    private static func examples(in lines: DataLines, labels: LabelMap) throws(DataError) -> [Example] {
        var examples: [Example] = []
        try lines.forEachRecord(fields: ["label", "text"]) { line, values throws(DataError) in
            let label = try labels.label(named: String(values[0]), file: lines.file, line: line)
            examples.append(Example(line: line, text: String(values[1]), label: label))
        }
        return examples
    }
}
