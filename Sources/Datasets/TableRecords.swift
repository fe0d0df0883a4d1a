/// The values of one record of a table, and the line it begins on.
struct TableRow: Equatable {
    let line: Int
    let values: [String]
}

/// The records of a table.
///
/// - Parameters:
///   - columns: the fields' names; nil takes them from the first row.
///   - separator: what stands between values, for errors.
/// - Throws: `DataError.malformedLine` for a row of too few or too many values, and for names that are empty or occur
///   twice.
func tableRecords(
    _ rows: [TableRow], columns: [String]?, separator: String, file: String
) throws(DataError) -> [Record] {
    guard let first = rows.first else { return [] }
    let names = columns ?? first.values
    if columns == nil, let unusable = names.first(where: { $0.allSatisfy(\.isWhitespace) }) ?? repeated(in: names) {
        throw .malformedLine(
            file: file, line: first.line, expected: "different names of fields in the first line",
            found: unusable.allSatisfy(\.isWhitespace) ? "an empty name" : "'\(unusable.prefix(40))' twice")
    }
    var records: [Record] = []
    records.reserveCapacity(rows.count)
    for row in columns == nil ? rows.dropFirst() : rows[...] {
        guard row.values.count == names.count else {
            throw .malformedLine(
                file: file, line: row.line, expected: names.joined(separator: separator),
                found: "\(row.values.count) field\(row.values.count == 1 ? "" : "s")")
        }
        records.append(
            Record(file: file, line: row.line, fields: Dictionary(zip(names, row.values)) { first, _ in first }))
    }
    return records
}

private func repeated(in names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
}
