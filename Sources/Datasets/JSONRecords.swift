import Diagnostics
import Foundation

/// The records of lines that each hold one JSON object of texts, numbers, truth values and nulls.
///
/// A number or truth value becomes its text; a null is as good as no field.
///
/// - Throws: `DataError.malformedLine`, with the key where a value is to blame.
func jsonRecords(_ lines: DataLines) throws(DataError) -> [Record] {
    let decoder = JSONDecoder()
    var records: [Record] = []
    for (line, text) in try lines.texts() {
        let fields: FlatObject
        do {
            let document = Data(text.utf8)
            try CheckedJSON.check(document, maximumBytes: document.count)
            fields = try decoder.decode(FlatObject.self, from: document)
        } catch let error as NestedValue {
            throw lines.malformed(
                line, expected: "a text, number, truth value or null as '\(error.key)'", found: "a list or an object")
        } catch {
            throw lines.malformed(line, expected: "a JSON object", found: "'\(text.prefix(40))'")
        }
        records.append(Record(file: lines.file, line: line, fields: fields.values))
    }
    return records
}

private struct NestedValue: Error {
    let key: String
}

/// A JSON object without lists and objects in it.
private struct FlatObject: Decodable {
    var values: [String: String] = [:]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for key in container.allKeys where try !container.decodeNil(forKey: key) {
            values[key.stringValue] = try Self.text(of: key, in: container)
        }
    }

    private static func text(of key: Key, in container: KeyedDecodingContainer<Key>) throws -> String {
        if let text = try? container.decode(String.self, forKey: key) { return text }
        if let truth = try? container.decode(Bool.self, forKey: key) { return "\(truth)" }
        if let number = try? container.decode(Int.self, forKey: key) { return "\(number)" }
        if let number = try? container.decode(Double.self, forKey: key) { return "\(number)" }
        throw NestedValue(key: key.stringValue)
    }

    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }
}
