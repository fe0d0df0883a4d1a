import Diagnostics

/// One record of a data file: its place and its values by field name.
public struct Record: Sendable, Equatable {
    /// The file it stands in, as errors name it.
    public let file: String
    /// The line it begins on, from 1.
    public let line: Int
    /// Its values as they stand in the file.
    public let fields: [String: String]

    /// One record.
    public init(file: String, line: Int, fields: [String: String]) {
        self.file = file
        self.line = line
        self.fields = fields
    }

    /// The value of a field.
    ///
    /// - Throws: `DataError.missingField`, which names the fields that there are.
    public func value(of field: String) throws(DataError) -> String {
        guard let value = fields[field] else {
            throw .missingField(file: file, line: line, field: field, available: fields.keys.sorted())
        }
        return value
    }
}
