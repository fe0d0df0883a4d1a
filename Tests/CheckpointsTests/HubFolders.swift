import Checkpoints
import Diagnostics
import Foundation
import Support

/// The hub folders among the fixtures, one of each family.
enum HubFolders {
    static let families = ["gpt2", "llama", "opt"]

    /// A copy of one, whose files may be changed before it is used.
    static func withCopy<Result>(of family: String, _ body: (URL) throws -> Result) throws -> Result {
        try Fixtures.withTemporaryFolder { folder in
            let source = fixture("hub/\(family)")
            for name in try FileManager.default.contentsOfDirectory(atPath: source.path) {
                try FileManager.default.copyItem(
                    at: source.appendingPathComponent(name), to: folder.appendingPathComponent(name))
            }
            return try body(folder)
        }
    }

    /// What is thrown for a copy with other values in `config.json`; null takes a key away.
    static func refusal(of family: String, config changes: [String: ConfigurationValue]) throws -> (any NumberedError)?
    {
        try withCopy(of: family) { folder in
            try change(folder.appendingPathComponent("config.json"), changes)
            return try refusal { _ = try HubModel(folder) }
        }
    }

    /// Changes top-level values of a JSON file.
    static func change(_ url: URL, _ changes: [String: ConfigurationValue]) throws {
        var values = try JSONDecoder().decode([String: ConfigurationValue].self, from: Data(contentsOf: url))
        for (key, value) in changes { values[key] = value == .null ? nil : value }
        try JSONEncoder().encode(values).write(to: url)
    }

    /// The numbered error that something throws, if it does.
    static func refusal(_ body: () throws -> Void) throws -> (any NumberedError)? {
        do {
            try body()
            return nil
        } catch let error as any NumberedError {
            return error
        }
    }
}
