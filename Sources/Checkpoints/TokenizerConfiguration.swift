/// What `tokenizer_config.json` or `special_tokens_map.json` says.
struct TokenizerConfiguration: Decodable {
    /// Names of special tokens by their keys; for a key without one, nothing.
    let names: [String: String]
    let otherNames: [String]
    let addsBegin: Bool?
    let addsEnd: Bool
    let addsPrefixSpace: Bool
    let chatTemplate: String?
    /// Tokens by their ids in decimals.
    let addedTokens: [String: AddedToken]

    static let begin = "bos_token"
    static let end = "eos_token"

    private enum Key: String, CodingKey, CaseIterable {
        case begin = "bos_token"
        case end = "eos_token"
        case unknown = "unk_token"
        case padding = "pad_token"
        case others = "additional_special_tokens"
        case addsBegin = "add_bos_token"
        case addsEnd = "add_eos_token"
        case addsPrefixSpace = "add_prefix_space"
        case chatTemplate = "chat_template"
        case addedTokens = "added_tokens_decoder"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        var names: [String: String] = [:]
        for key in [Key.begin, .end, .unknown, .padding] {
            names[key.rawValue] = try container.decodeIfPresent(Name.self, forKey: key)?.text
        }
        self.names = names
        otherNames = try container.decodeIfPresent([Name].self, forKey: .others)?.map(\.text) ?? []
        addsBegin = try container.decodeIfPresent(Bool.self, forKey: .addsBegin)
        addsEnd = try container.decodeIfPresent(Bool.self, forKey: .addsEnd) ?? false
        addsPrefixSpace = try container.decodeIfPresent(Bool.self, forKey: .addsPrefixSpace) ?? false
        chatTemplate = try container.decodeIfPresent(Template.self, forKey: .chatTemplate)?.text
        addedTokens = try container.decodeIfPresent([String: AddedToken].self, forKey: .addedTokens) ?? [:]
    }

    /// - Parameters: as the properties of these names; a configuration that says nothing has none of them.
    init(
        names: [String: String] = [:], otherNames: [String] = [], addsBegin: Bool? = nil, addsEnd: Bool = false,
        addsPrefixSpace: Bool = false, chatTemplate: String? = nil, addedTokens: [String: AddedToken] = [:]
    ) {
        self.names = names
        self.otherNames = otherNames
        self.addsBegin = addsBegin
        self.addsEnd = addsEnd
        self.addsPrefixSpace = addsPrefixSpace
        self.chatTemplate = chatTemplate
        self.addedTokens = addedTokens
    }

    /// The same with the names that only the other one has.
    func completed(by other: TokenizerConfiguration) -> TokenizerConfiguration {
        TokenizerConfiguration(
            names: names.merging(other.names) { own, _ in own }, otherNames: otherNames + other.otherNames,
            addsBegin: addsBegin, addsEnd: addsEnd, addsPrefixSpace: addsPrefixSpace, chatTemplate: chatTemplate,
            addedTokens: addedTokens)
    }

    /// What would change ids and is not built in.
    var unsupportedFeature: String? {
        if addsEnd { return "add_eos_token" }
        if addsPrefixSpace { return "add_prefix_space" }
        return addedTokens.values.compactMap(\.unsupportedFeature).min()
    }

    /// A token's name, alone or within a description of it.
    private struct Name: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                self.text = text
            } else {
                text = try AddedToken(from: decoder).content
            }
        }
    }

    /// A template, or several by name of which the default one counts.
    private struct Template: Decodable {
        let text: String?

        private struct Named: Decodable {
            let name: String
            let template: String
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self.text = text
            } else {
                text = try container.decode([Named].self).first { $0.name == "default" }?.template
            }
        }
    }
}
