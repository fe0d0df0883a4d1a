import Foundation
import Support
import Tokenizers

@testable import Checkpoints

/// A hub folder of tokenizer files for one test, made from the committed tokenizer of Llama-3's form.
struct TokenizerFolder {
    /// What becomes `tokenizer.json`, or nil for a folder without.
    var tokenizer: [String: Any]?
    /// Other files by their names: texts as they are, anything else as JSON.
    var files: [String: Any] = [:]

    init() throws {
        let data = try Data(contentsOf: fixture("tokenizer/llama3/tokenizer.json"))
        tokenizer = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    }

    /// Puts a value under the keys, the first of which is the outermost; nil takes the key away.
    mutating func set(_ keys: String..., to value: Any?) {
        func changed(_ object: Any?, _ keys: ArraySlice<String>) -> Any? {
            guard let key = keys.first else { return value }
            var object = object as? [String: Any] ?? [:]
            object[key] = changed(object[key], keys.dropFirst())
            return object
        }
        tokenizer = changed(tokenizer, keys[...]) as? [String: Any]
    }

    /// The part of `tokenizer.json` under the keys.
    func part<Value>(_ keys: String..., as type: Value.Type) -> Value? {
        keys.reduce(tokenizer as Any?) { ($0 as? [String: Any])?[$1] } as? Value
    }

    /// The same vocabulary as `vocab.json` and `merges.txt`.
    mutating func useVocabularyFiles() {
        let merges = part("model", "merges", as: [[String]].self) ?? []
        files["vocab.json"] = part("model", "vocab", as: [String: Int].self)
        files["merges.txt"] = "#version: 0.2\n" + merges.map { $0.joined(separator: " ") + "\n" }.joined()
        tokenizer = nil
    }

    func metadata() throws -> TokenizerMetadata {
        try Fixtures.withTemporaryFolder { folder in
            var files = files
            files["tokenizer.json"] = tokenizer
            for (name, content) in files {
                let data =
                    try (content as? Data) ?? (content as? String).map { Data($0.utf8) }
                    ?? JSONSerialization.data(withJSONObject: content)
                try data.write(to: folder.appendingPathComponent(name))
            }
            return try TokenizerMetadata(hubFolder: folder)
        }
    }

    /// What the folder is refused with, without its path; nil when it is read.
    func refusal() -> HubTokenizerError? {
        do {
            _ = try metadata()
            return nil
        } catch {
            return error as? HubTokenizerError
        }
    }
}
