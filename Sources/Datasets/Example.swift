/// One question of a data set, and what answers it.
public struct Example: Sendable, Hashable {
    /// The file it stands in, as errors name it.
    public let file: String
    /// The line it begins on, from 1.
    public let line: Int
    /// The values of the prompt's fields as they stand in the file, one under the other where there are several.
    public let text: String
    /// What the model reads.
    public let prompt: FilledTemplate
    /// The class, an index into the `LabelMap`; nil for an answer in words.
    public let label: Int?
    /// The answer in words; nil for a class.
    public let answer: String?
    /// What the split keeps together: the value of the group field, or else `text`.
    public let group: String

    /// One example.
    public init(
        file: String, line: Int, text: String, prompt: FilledTemplate, label: Int? = nil, answer: String? = nil,
        group: String? = nil
    ) {
        self.file = file
        self.line = line
        self.text = text
        self.prompt = prompt
        self.label = label
        self.answer = answer
        self.group = group ?? text
    }
}

/// How a record becomes an example.
public struct ExampleTemplate: Sendable {
    /// What the model reads.
    public let prompt: PromptTemplate
    /// Where the answer comes from.
    public let answer: Answer
    /// The field whose equal values stay on one side of the split; nil keeps equal texts together.
    public let groupField: String?

    /// Where an answer comes from.
    public enum Answer: Sendable {
        /// A class, by its name in a field.
        case label(field: String, LabelMap)
        /// Words.
        case text(PromptTemplate)
    }

    /// A way from records to examples.
    public init(prompt: PromptTemplate, answer: Answer, groupField: String? = nil) {
        self.prompt = prompt
        self.answer = answer
        self.groupField = groupField
    }

    /// The example that a record is.
    ///
    /// - Throws: `DataError.missingField`, `.unknownLabel`, or `.malformedLine` for a record whose text, answer or
    ///   group is blank.
    public func example(of record: Record) throws(DataError) -> Example {
        var values: [String] = []
        for field in prompt.fields { values.append(try record.value(of: field)) }
        let text = values.joined(separator: "\n")
        try refuseBlank(text, prompt.fields, record)
        var group: String?
        if let groupField {
            let value = try record.value(of: groupField)
            try refuseBlank(value, [groupField], record)
            group = value
        }
        var label: Int?, words: String?
        switch answer {
        case .label(let field, let labels):
            label = try labels.label(named: try record.value(of: field), file: record.file, line: record.line)
        case .text(let template):
            let answer = try template.filled(from: record).text
            try refuseBlank(answer, template.fields, record)
            words = answer
        }
        return Example(
            file: record.file, line: record.line, text: text, prompt: try prompt.filled(from: record), label: label,
            answer: words, group: group)
    }

    private func refuseBlank(_ value: String, _ fields: [String], _ record: Record) throws(DataError) {
        guard value.allSatisfy(\.isWhitespace) else { return }
        throw .malformedLine(
            file: record.file, line: record.line, expected: "text as \(fields.joined(separator: ", "))",
            found: "nothing but blanks")
    }
}
