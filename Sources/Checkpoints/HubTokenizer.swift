import Diagnostics
import Foundation
import Tokenizers

extension TokenizerMetadata {
    /// Reads the tokenizer of a hub folder: `tokenizer.json`, or else `vocab.json` with `merges.txt`; and beside either
    /// `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json` and `chat_template.jinja` if there.
    ///
    /// - Throws: `FileError`, or `HubTokenizerError` when a file is missing, damaged or asks for what is not built in.
    public init(hubFolder folder: URL) throws {
        self = try HubTokenizerFiles(folder: folder).metadata()
    }
}

/// The tokenizer's files of a hub folder.
private struct HubTokenizerFiles {
    let folder: URL

    /// Of the families that can be read, none has half as much.
    private static let maximumBytes = 1 << 25
    /// What GPT-2's own files leave unsaid: its one special token begins and ends texts.
    private static let gpt2Boundary = "<|endoftext|>"

    func metadata() throws -> TokenizerMetadata {
        let configuration = try self.configuration()
        if exists("tokenizer.json") { return try fromTokenizerJSON(configuration) }
        guard exists("vocab.json"), exists("merges.txt") else { throw HubTokenizerError.missing(folder: folder.path) }
        return try fromVocabulary(configuration)
    }

    private func fromTokenizerJSON(_ configuration: TokenizerConfiguration) throws -> TokenizerMetadata {
        let file = path("tokenizer.json")
        let found = try decode(TokenizerJSON.self, "tokenizer.json")
        try found.checkRest(file)
        let added = try (found.addedTokens ?? []).map { token in
            guard let id = token.id else {
                throw HubTokenizerError.malformed(file: file, reason: "the added token \"\(token.content)\" has no id")
            }
            return (token: token.content, id: id, isSpecial: token.isSpecial == true)
        }
        let list = try TokenList(found.model.vocabulary, added: added.map { ($0.token, $0.id) }, file: file)
        var metadata = TokenizerMetadata(
            preTokenizer: try found.preTokenizerRule(file).rawValue, tokens: list.tokens,
            merges: found.model.merges.lines, ignoresMerges: found.model.ignoresMerges ?? false)
        if found.model.unknownToken != nil, !metadata.missingBytes.isEmpty {
            throw HubTokenizerError.unsupported(file: file, feature: "unk_token for bytes without a token")
        }
        let inFront = try found.tokenInFront(file)
        metadata.addsBegin = configuration.addsBegin ?? (inFront != nil)
        var names = configuration.names
        if configuration.addsBegin == nil, let inFront { names[TokenizerConfiguration.begin] = inFront }
        try setTokens(
            of: &metadata, list, added.map { ($0.token, $0.isSpecial) }, names, others: configuration.otherNames)
        metadata.chatTemplate = try chatTemplate(configuration)
        return metadata
    }

    private func fromVocabulary(_ configuration: TokenizerConfiguration) throws -> TokenizerMetadata {
        let vocabulary = try decode([String: Int].self, "vocab.json")
        var added = try exists("added_tokens.json") ? decode([String: Int].self, "added_tokens.json") : [:]
        let specials = configuration.addedTokens.values.filter { $0.isSpecial == true }.map(\.content)
        for (key, token) in configuration.addedTokens.sorted(by: { $0.key < $1.key }) {
            guard let id = Int(key) else {
                throw HubTokenizerError.malformed(
                    file: path("tokenizer_config.json"), reason: "it gives an added token the id \"\(key)\"")
            }
            if let other = added.updateValue(id, forKey: token.content), other != id {
                throw HubTokenizerError.contradictoryToken(
                    file: path("tokenizer_config.json"), token: token.content, ids: [other, id])
            }
        }
        let list = try TokenList(vocabulary, added: added.map { ($0.key, $0.value) }, file: path("vocab.json"))
        var names = configuration.names
        for key in [TokenizerConfiguration.begin, TokenizerConfiguration.end]
        where names[key] == nil && list[Self.gpt2Boundary] != nil {
            names[key] = Self.gpt2Boundary
        }
        var metadata = TokenizerMetadata(
            preTokenizer: PreTokenizer.gpt2.rawValue, tokens: list.tokens, merges: try merges())
        metadata.addsBegin = configuration.addsBegin ?? false
        try setTokens(
            of: &metadata, list, added.keys.map { ($0, specials.contains($0)) }, names,
            others: configuration.otherNames)
        metadata.chatTemplate = try chatTemplate(configuration)
        return metadata
    }

    /// Sets which tokens are special, which are found by name though they are text, and which begin and end a text.
    private func setTokens(
        of metadata: inout TokenizerMetadata, _ list: TokenList, _ added: [(token: String, isSpecial: Bool)],
        _ names: [String: String], others: [String]
    ) throws {
        for key in [TokenizerConfiguration.begin, TokenizerConfiguration.end] {
            guard let name = names[key], list[name] == nil else { continue }
            throw HubTokenizerError.unknownSpecialToken(file: folder.path, key: key, token: name)
        }
        let special = Set(added.filter(\.isSpecial).map(\.token) + names.values + others)
        metadata.specialIDs = special.compactMap { list[$0] }.sorted()
        metadata.addedIDs = Set(added.map(\.token)).subtracting(special).compactMap { list[$0] }.sorted()
        metadata.beginID = names[TokenizerConfiguration.begin].flatMap { list[$0] }
        metadata.endID = names[TokenizerConfiguration.end].flatMap { list[$0] }
        metadata.addsBegin = metadata.addsBegin && metadata.beginID != nil
    }

    private func configuration() throws -> TokenizerConfiguration {
        func found(_ name: String) throws -> TokenizerConfiguration {
            guard exists(name) else { return TokenizerConfiguration() }
            let found = try decode(TokenizerConfiguration.self, name)
            if let feature = found.unsupportedFeature {
                throw HubTokenizerError.unsupported(file: path(name), feature: feature)
            }
            return found
        }
        return try found("tokenizer_config.json").completed(by: found("special_tokens_map.json"))
    }

    /// The template that stands in a file of its own, or else in the configuration.
    private func chatTemplate(_ configuration: TokenizerConfiguration) throws -> String? {
        exists("chat_template.jinja") ? try text("chat_template.jinja") : configuration.chatTemplate
    }

    /// The pairs of `merges.txt`, without the line that says the format's version.
    private func merges() throws -> [String] {
        try text("merges.txt").unicodeScalars.split(separator: "\n")
            .map { String($0.last == "\r" ? $0.dropLast() : $0) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#version") }
    }

    private func text(_ name: String) throws -> String {
        let mapping = try MappedFile(folder.appendingPathComponent(name))
        guard mapping.bytes.count <= Self.maximumBytes, let text = String(validating: mapping.bytes, as: UTF8.self)
        else { throw HubTokenizerError.malformed(file: path(name), reason: "it is no text, or too long") }
        return text
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
        let mapping = try MappedFile(folder.appendingPathComponent(name))
        do throws(CheckedJSON.Fault) {
            return try CheckedJSON.decode(type, from: mapping.data, maximumBytes: Self.maximumBytes)
        } catch {
            throw HubTokenizerError.malformed(file: path(name), reason: error.reason)
        }
    }

    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
}
