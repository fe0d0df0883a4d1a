/// The records of sentences with a mean rating: `id TAB mean rating TAB sentence`, without a header.
///
/// The sentence is the field `text`. A rating above zero makes the field `label` positive, one below zero negative; a
/// sentence rated exactly zero says neither and is left out.
///
/// - Parameter minimumAbsoluteRating: sentences rated nearer to zero than this are left out, too.
/// - Throws: `DataError.malformedLine`.
func ratedRecords(_ lines: DataLines, minimumAbsoluteRating: Double) throws(DataError) -> [Record] {
    let names = ["id", "rating", "sentence"], separator = " TAB "
    var records: [Record] = []
    for row in try tableRecords(try lines.rows(), columns: names, separator: separator, file: lines.file) {
        for name in names where try row.value(of: name).allSatisfy(\.isWhitespace) {
            throw lines.malformed(
                row.line, expected: names.joined(separator: separator), found: "an empty \(name)")
        }
        let text = try row.value(of: "rating")
        guard let rating = Double(text), rating.isFinite else {
            throw lines.malformed(row.line, expected: "a finite number as rating", found: "'\(text.prefix(40))'")
        }
        guard rating != 0, abs(rating) >= minimumAbsoluteRating else { continue }
        let label = rating > 0 ? "positive" : "negative"
        let fields = ["id": try row.value(of: "id"), "rating": text, "text": try row.value(of: "sentence")]
        records.append(
            Record(file: row.file, line: row.line, fields: fields.merging(["label": label]) { $1 }))
    }
    return records
}
