import Foundation
import Tokenizers

extension TokenizerMetadata {
    /// Writes `tokenizer.json` and `tokenizer_config.json`, from which transformers and this program make the same
    /// tokenizer, into an existing folder.
    ///
    /// - Parameters:
    ///   - contextLength: the longest text that the model reads, in tokens.
    ///   - paddingID: the token that fills shorter texts of a batch, if the model has one.
    /// - Throws: `TokenizerError` when the tokens or the rule for words are not those of a byte-level tokenizer,
    ///   `FileError.unwritable`.
    func writeHubFiles(to folder: URL, contextLength: Int, paddingID: Int32?) throws {
        let rule = try PreTokenizer(named: preTokenizer)
        var vocabulary: [String: ConfigurationValue] = [:]
        for (id, token) in tokens.enumerated() {
            if case .integer(let first) = vocabulary.updateValue(.integer(id), forKey: token) {
                throw TokenizerError.duplicateToken(token: token, ids: [first, id])
            }
        }
        let tokenizer: [String: ConfigurationValue] = [
            "version": .text("1.0"), "truncation": .null, "padding": .null, "normalizer": .null,
            "added_tokens": .list(addedTokens), "pre_tokenizer": rule.hubSteps, "post_processor": beginTemplate,
            "decoder": byteLevel(usesPattern: true),
            "model": .object([
                "type": .text("BPE"), "dropout": .null, "unk_token": .null, "continuing_subword_prefix": .null,
                "end_of_word_suffix": .null, "fuse_unk": .flag(false), "byte_fallback": .flag(false),
                "ignore_merges": .flag(ignoresMerges), "vocab": .object(vocabulary),
                "merges": .list(merges.map(ConfigurationValue.text)),
            ]),
        ]
        var configuration: [String: ConfigurationValue] = [
            // The class that takes tokenizer.json as it is: those of the families put in their own rule for words.
            "tokenizer_class": .text("PreTrainedTokenizerFast"), "model_max_length": .integer(contextLength),
            "clean_up_tokenization_spaces": .flag(false),
        ]
        for (key, id) in [("bos_token", beginID), ("eos_token", endID), ("pad_token", paddingID)] {
            configuration[key] = name(id).map(ConfigurationValue.text)
        }
        configuration["chat_template"] = chatTemplate.map(ConfigurationValue.text)
        try write(tokenizer, to: folder.appendingPathComponent("tokenizer.json"))
        try write(configuration, to: folder.appendingPathComponent("tokenizer_config.json"))
    }

    private func name(_ id: Int32?) -> String? {
        id.flatMap { tokens.indices.contains(Int($0)) ? tokens[Int($0)] : nil }
    }

    /// The tokens that are found by name in text, in the order of their ids.
    private var addedTokens: [ConfigurationValue] {
        let added = specialIDs.map { ($0, true) } + addedIDs.map { ($0, false) }
        return added.sorted { $0.0 < $1.0 }.compactMap { id, isSpecial in
            name(id).map { name in
                .object([
                    "id": .integer(Int(id)), "content": .text(name), "special": .flag(isSpecial),
                    "single_word": .flag(false), "lstrip": .flag(false), "rstrip": .flag(false),
                    "normalized": .flag(false),
                ])
            }
        }
    }

    /// What puts the begin token in front of a text, or of both texts of a pair.
    private var beginTemplate: ConfigurationValue {
        guard addsBegin, let beginID, let begin = name(beginID) else { return .null }
        func piece(_ kind: String, _ id: String, _ part: Int) -> ConfigurationValue {
            .object([kind: .object(["id": .text(id), "type_id": .integer(part)])])
        }
        let first = [piece("SpecialToken", begin, 0), piece("Sequence", "A", 0)]
        return .object([
            "type": .text("TemplateProcessing"), "single": .list(first),
            "pair": .list(first + [piece("SpecialToken", begin, 1), piece("Sequence", "B", 1)]),
            "special_tokens": .object([
                begin: .object([
                    "id": .text(begin), "ids": .list([.integer(Int(beginID))]), "tokens": .list([.text(begin)]),
                ])
            ]),
        ])
    }

    private func write(_ values: [String: ConfigurationValue], to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try WholeFile.write([try encoder.encode(values), Data("\n".utf8)], to: url)
    }
}

extension PreTokenizer {
    /// The rule as steps of a `tokenizer.json`.
    fileprivate var hubSteps: ConfigurationValue {
        switch self {
        case .gpt2: byteLevel(usesPattern: true)
        case .smollm:
            sequence([
                .object(["type": .text("Digits"), "individual_digits": .flag(true)]), byteLevel(usesPattern: true),
            ])
        case .llama3:
            sequence([
                .object([
                    "type": .text("Split"), "pattern": .object(["Regex": .text(pattern ?? "")]),
                    "behavior": .text("Isolated"), "invert": .flag(false),
                ]), byteLevel(usesPattern: false),
            ])
        }
    }

    private func sequence(_ steps: [ConfigurationValue]) -> ConfigurationValue {
        .object(["type": .text("Sequence"), "pretokenizers": .list(steps)])
    }
}

/// The step that writes bytes in GPT-2's alphabet, and by that pattern cuts text into words.
private func byteLevel(usesPattern: Bool) -> ConfigurationValue {
    .object([
        "type": .text("ByteLevel"), "add_prefix_space": .flag(false), "trim_offsets": .flag(true),
        "use_regex": .flag(usesPattern),
    ])
}
