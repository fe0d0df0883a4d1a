import Diagnostics
import Logging

/// What an event says, as a log has it: the name of its case, and whatever it holds that has a name and is a number, a
/// text or a flag.
public struct EventDescription: Sendable {
    /// In snake case, such as `step` or `device_arrived`.
    public let name: String
    /// By their names in snake case. A role's id without a name is `peer`; other things without one bring what they hold.
    public let fields: Logger.Metadata

    /// Cases of a role's news that hold an event and say nothing themselves.
    private static let wrappers: Set<String> = ["run", "device", "worker", "prepared"]
    /// A text may come from another role.
    private static let longestText = 1024

    /// Describes a case of an enumeration.
    public init(_ event: Any) {
        let mirror = Mirror(reflecting: event)
        guard mirror.displayStyle == .enum, let payload = mirror.children.first, let label = payload.label else {
            self.init(name: "\(event)".snakeCase, fields: [:])
            return
        }
        if Self.wrappers.contains(label), Mirror(reflecting: payload.value).displayStyle == .enum {
            self.init(payload.value)
            return
        }
        var fields: Logger.Metadata = [:]
        let parts = Mirror(reflecting: payload.value)
        if parts.displayStyle == .tuple {
            for part in parts.children { Self.add(part.value, part.label, to: &fields) }
        } else {
            Self.add(payload.value, nil, to: &fields)
        }
        self.init(name: label.snakeCase, fields: fields)
    }

    /// Something that is no event of a role.
    public init(name: String, fields: Logger.Metadata) {
        self.name = name
        self.fields = fields
    }

    private static func add(_ value: Any, _ label: String?, to fields: inout Logger.Metadata) {
        // Parts of a tuple that have no name are called .0 and so on.
        let label = label.flatMap { $0.hasPrefix(".") ? nil : $0.snakeCase }
        switch value {
        case let text as String: fields[label ?? "peer"] = .string(String(text.prefix(longestText)))
        case let texts as [String]: fields[label ?? "names"] = .array(texts.prefix(20).map { .string($0) })
        case let flag as Bool: fields[label ?? "flag"] = .stringConvertible(flag)
        case let number as Double where number.isFinite: fields[label ?? "value"] = .stringConvertible(number)
        case is Double: break
        case let number as any FixedWidthInteger: fields[label ?? "value"] = .stringConvertible(Int(clamping: number))
        case let duration as Duration:
            fields["\(label ?? "duration")_seconds"] = .stringConvertible(duration / .seconds(1))
        case let error as any NumberedError:
            fields["error"] = .stringConvertible(error.exitCode.rawValue)
            fields["problem"] = .string(String(error.problem.prefix(longestText)))
            fields["remedy"] = .string(error.remedy)
        default: addParts(of: value, label, to: &fields)
        }
    }

    private static func addParts(of value: Any, _ label: String?, to fields: inout Logger.Metadata) {
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: if let inner = mirror.children.first { add(inner.value, label, to: &fields) }
        case .struct: for child in mirror.children { add(child.value, child.label, to: &fields) }
        case .enum:
            let name = EventDescription(value)
            fields[label ?? "what"] = .string(name.name)
            fields.merge(name.fields) { mine, _ in mine }
        default: break
        }
    }
}

extension String {
    fileprivate var snakeCase: String {
        reduce(into: "") { text, character in
            if character.isUppercase, let last = text.last, !last.isUppercase, last != "_" { text += "_" }
            text += character.lowercased()
        }
    }
}
