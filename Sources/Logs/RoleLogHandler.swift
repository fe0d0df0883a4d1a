import Foundation
import Logging

/// How a role's log is written.
public enum LogFormat: String, Sendable, CaseIterable {
    /// Lines for people.
    case text
    /// One JSON object a line: time, level, run, role, id, event, text, fields.
    case json
}

/// Writes a role's log in one of its formats. `event` and `fields` of a line are in its metadata.
struct RoleLogHandler: LogHandler {
    let format: LogFormat
    let write: @Sendable (String) -> Void
    var logLevel: Logger.Level
    /// Of every line: role, id, and the run once it is known.
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        switch format {
        case .text: if !event.message.description.isEmpty { write(event.message.description) }
        case .json:
            let line = LoggedLine(
                time: Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
                level: event.level.rawValue, text: event.message.description,
                metadata: metadata.merging(event.metadata ?? [:]) { $1 })
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // Whatever a line holds can be encoded: numbers in it are finite.
            if let data = try? encoder.encode(line) { write(String(decoding: data, as: UTF8.self)) }
        }
    }
}

private struct LoggedLine: Encodable {
    let time: String
    let level: String
    let text: String
    let metadata: Logger.Metadata

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(time, forKey: Key(stringValue: "time"))
        try object.encode(level, forKey: Key(stringValue: "level"))
        if !text.isEmpty { try object.encode(text, forKey: Key(stringValue: "text")) }
        for (key, value) in metadata { try object.encode(LoggedValue(value: value), forKey: Key(stringValue: key)) }
    }
}

private struct LoggedValue: Encodable {
    let value: Logger.MetadataValue

    func encode(to encoder: any Encoder) throws {
        switch value {
        case .dictionary(let values): try values.mapValues(LoggedValue.init).encode(to: encoder)
        case .array(let values): try values.map(LoggedValue.init).encode(to: encoder)
        case .stringConvertible(let number as any Encodable): try number.encode(to: encoder)
        default: try value.description.encode(to: encoder)
        }
    }
}
