import Diagnostics
import Foundation

/// A checked reader over the JSON object of a hub folder's `config.json`. A key that is null counts as missing.
public struct HubConfiguration: Sendable, Equatable {
    /// The file's path, for messages.
    public let file: String
    /// What stands before a key in messages: `"rope_scaling."` inside that object.
    private let place: String
    private let values: [String: ConfigurationValue]

    static let fileName = "config.json"

    /// No configuration comes near this size; decoded JSON takes up to thirty times its bytes.
    private static let maximumBytes = 1 << 20

    /// Reads a configuration file.
    ///
    /// - Throws: `FileError.unreadable`, `HubError.malformed` when it is no JSON object.
    public init(_ url: URL) throws {
        let mapping = try MappedFile(url)
        file = url.path
        place = ""
        do throws(CheckedJSON.Fault) {
            values = try CheckedJSON.decode(
                [String: ConfigurationValue].self, from: mapping.data, maximumBytes: Self.maximumBytes)
        } catch {
            throw HubError.malformed(file: file, reason: error.reason)
        }
    }

    private init(file: String, place: String, values: [String: ConfigurationValue]) {
        self.file = file
        self.place = place
        self.values = values
    }

    /// What stands under a key, or nil when it is missing or null.
    subscript(key: String) -> ConfigurationValue? {
        let value = values[key]
        return value == .null ? nil : value
    }

    /// A whole number; without a default it must be there.
    func integer(_ key: String, default fallback: Int? = nil) throws(HubError) -> Int {
        try look(key, fallback, "a whole number") { if case .integer(let found) = $0 { found } else { nil } }
    }

    /// A number; without a default it must be there.
    func number(_ key: String, default fallback: Double? = nil) throws(HubError) -> Double {
        try look(key, fallback, "a number") { value in
            switch value {
            case .integer(let found): Double(found)
            case .number(let found): found
            default: nil
            }
        }
    }

    /// True or false; without a default it must be there.
    func flag(_ key: String, default fallback: Bool? = nil) throws(HubError) -> Bool {
        try look(key, fallback, "true or false") { if case .flag(let found) = $0 { found } else { nil } }
    }

    /// A text; without a default it must be there.
    func text(_ key: String, default fallback: String? = nil) throws(HubError) -> String {
        try look(key, fallback, "a text") { if case .text(let found) = $0 { found } else { nil } }
    }

    /// The object under a key, or nil when it is missing, null or empty.
    func object(_ key: String) throws(HubError) -> HubConfiguration? {
        guard let value = self[key] else { return nil }
        guard case .object(let values) = value else {
            throw .wrongKind(file: file, key: place + key, expected: "an object")
        }
        return values.isEmpty ? nil : HubConfiguration(file: file, place: "\(place)\(key).", values: values)
    }

    /// Refuses a setting that would change the mathematics, by its name.
    ///
    /// - Parameters:
    ///   - expected: what is built in, and what a missing key means.
    ///   - feature: the setting in words, when its name does not say enough.
    func expect(_ key: String, _ expected: Bool, _ feature: String? = nil) throws(HubError) {
        guard try flag(key, default: expected) != expected else { return }
        throw .unsupported(file: file, feature: feature ?? "\(place)\(key) \(!expected)")
    }

    /// Refuses a text other than those that are built in, by its name.
    func expect(_ key: String, oneOf known: [String]) throws(HubError) {
        let found = try text(key, default: known[0])
        guard known.contains(found) else { throw .unsupported(file: file, feature: "\(place)\(key) \(found)") }
    }

    /// Makes hyperparameters of what was read; what is impossible about them is this file's fault.
    func checked(
        _ make: () throws(HyperparameterError) -> Hyperparameters
    ) throws(HubError) -> Hyperparameters {
        do {
            return try make()
        } catch {
            throw .malformed(file: file, reason: error.problem)
        }
    }

    private func look<Value>(
        _ key: String, _ fallback: Value?, _ expected: String, _ read: (ConfigurationValue) -> Value?
    ) throws(HubError) -> Value {
        guard let value = self[key] else {
            guard let fallback else { throw .missingKey(file: file, key: place + key) }
            return fallback
        }
        guard let found = read(value) else { throw .wrongKind(file: file, key: place + key, expected: expected) }
        return found
    }
}

extension HubConfiguration {
    /// The sizes and constants that the file describes.
    ///
    /// - Parameter families: those that the model may be of.
    /// - Throws: `HubError` when the family or a feature of it is not built in, or a value is missing, impossible or of
    ///   the wrong kind.
    public func hyperparameters(families: [ModelFamily] = ModelFamily.all) throws -> Hyperparameters {
        let name = try text("model_type")
        guard let family = families.first(where: { $0.name == name }) else {
            throw HubError.unknownFamily(file: file, name: name)
        }
        guard self["quantization_config"] == nil else {
            throw HubError.unsupported(file: file, feature: "weights quantised as quantization_config says")
        }
        return try family.hyperparameters(self)
    }
}
