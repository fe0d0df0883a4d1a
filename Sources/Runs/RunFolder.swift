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
        let stamp = now.formatted(
            .verbatim(
                """
                \(year: .defaultDigits)\(month: .twoDigits)\(day: .twoDigits)-\
                \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased))\(minute: .twoDigits)\(second: .twoDigits)
                """, timeZone: .gmt, calendar: Calendar(identifier: .gregorian)))
        var id = "\(name)-\(stamp)"
        var suffix = 2
        while FileManager.default.fileExists(atPath: "\(parent)/\(id)") {
            id = "\(name)-\(stamp)-\(suffix)"
            suffix += 1
        }
        self.id = id
        path = "\(parent)/\(id)"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw RunError(unwritable: path, error)
        }
    }

    /// Where the adapter goes, in PEFT's format.
    public var adapterPath: String { "\(path)/adapter" }

    /// Writes a whole file: aside first, then renamed, so that it is whole or not there.
    ///
    /// - Throws: `RunError.folderUnwritable`.
    func write(_ text: String, to name: String) throws(RunError) {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"), options: .atomic)
        } catch {
            throw RunError(unwritable: "\(path)/\(name)", error)
        }
    }

    /// Writes a value as indented JSON with snake-case keys.
    ///
    /// - Throws: `RunError.folderUnwritable`.
    func write(json value: some Encodable, to name: String) throws(RunError) {
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
