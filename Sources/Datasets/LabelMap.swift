/// The class names of a task, in order: a class is its index here.
public struct LabelMap: Sendable, Equatable {
    /// The class names, all different.
    public let names: [String]

    /// A map from at least two different names.
    ///
    /// - Throws: `DataError.unusableLabels`.
    public init(_ names: [String]) throws(DataError) {
        guard names.count >= 2 else {
            throw .unusableLabels(names: names, reason: "a task needs at least two classes")
        }
        guard Set(names).count == names.count else {
            throw .unusableLabels(names: names, reason: "a name occurs twice")
        }
        self.names = names
    }

    /// The number of classes.
    public var count: Int { names.count }

    /// The class of a label that was read from a file.
    ///
    /// - Throws: `DataError.unknownLabel`, which names the line and the known labels.
    public func label(named name: String, file: String, line: Int) throws(DataError) -> Int {
        guard let label = names.firstIndex(of: name) else {
            throw .unknownLabel(file: file, line: line, label: name, known: names)
        }
        return label
    }
}
