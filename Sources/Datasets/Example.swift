/// One labelled text of a data set.
public struct Example: Sendable, Hashable {
    /// The line of the file it stands on, from 1.
    public let line: Int
    /// The text as it stands in the file.
    public let text: String
    /// The class, an index into the `LabelMap`.
    public let label: Int

    /// One labelled text.
    public init(line: Int, text: String, label: Int) {
        self.line = line
        self.text = text
        self.label = label
    }
}
