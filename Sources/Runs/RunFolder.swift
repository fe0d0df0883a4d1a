import Checkpoints
import Foundation

/// The folder of one run: resolved recipe, metrics line by line, summary and adapter.
public struct RunFolder: Sendable {
    /// The folder's path.
    public let path: String
    /// The run's id, the folder's name.
    public let id: String

    /// Makes a folder that did not exist before.
    ///
    /// - Parameters:
    ///   - parent: the folder of all runs, made if need be.
    ///   - name: the recipe's name, which begins the id.
    /// - Throws: `RunError.folderUnwritable`.
    public init(parent: String, name: String, now: Date = Date()) throws(RunError) {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = .gmt
        formatter.dateFormat = "yyyyMMdd-HHmmss"
        let stamp = formatter.string(from: now)
        do {
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        } catch {
            throw RunError(unwritable: parent, error)
        }
        id = try Self.makeFolder("\(name)-\(stamp)", in: parent)
        path = "\(parent)/\(id)"
    }

    /// Makes the first of `stem`, `stem-2`, `stem-3`, … that is not there yet, and gives its name.
    private static func makeFolder(_ stem: String, in parent: String) throws(RunError) -> String {
        var name = stem
        var number = 1
        // Runs that begin in the same second each get a folder: of all that make one, the system lets one succeed.
        while mkdir("\(parent)/\(name)", 0o777) != 0 {
            guard errno == EEXIST else {
                throw .folderUnwritable(path: "\(parent)/\(name)", reason: String(cString: strerror(errno)))
            }
            number += 1
            name = "\(stem)-\(number)"
        }
        return name
    }

    /// Where the adapter goes, in PEFT's format.
    public var adapterPath: String { "\(path)/adapter" }

    /// Writes a file that is whole or not there.
    ///
    /// - Throws: `FileError.unwritable`.
    func write(_ text: String, to name: String) throws(FileError) {
        try WholeFile.write([Data(text.utf8)], to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    /// Writes a value as indented JSON with snake-case keys.
    ///
    /// - Throws: `FileError.unwritable`.
    func write(json value: some Encodable, to name: String) throws(FileError) {
        try write(jsonText(value, indented: true) + "\n", to: name)
    }
}

/// A value as JSON with sorted snake-case keys.
public func jsonText(_ value: some Encodable, indented: Bool = false) -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting =
        indented ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    // Every value that this project writes is made of numbers, texts and lists, which always encode.
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
}
