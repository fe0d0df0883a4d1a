import Tokenizers

extension TokenizerJSON {
    /// How text is cut into words.
    ///
    /// - Throws: `HubTokenizerError.unsupported` for another way than those of `PreTokenizer`.
    func preTokenizerRule(_ file: String) throws(HubTokenizerError) -> PreTokenizer {
        guard let preTokenizer else { throw .unsupported(file: file, feature: "text that is not cut into words") }
        var steps = preTokenizer.steps
        guard let bytes = steps.popLast(), bytes.type == "ByteLevel" else {
            throw .unsupported(file: file, feature: "the pre_tokenizer \(preTokenizer.summary)")
        }
        guard bytes.addsPrefixSpace != true else {
            throw .unsupported(file: file, feature: "add_prefix_space in its pre_tokenizer")
        }
        let usesPattern = bytes.usesPattern ?? true
        switch steps.count {
        case 0 where usesPattern: return .gpt2
        case 1 where usesPattern && steps[0].type == "Digits" && steps[0].digitsApart == true: return .smollm
        case 1 where !usesPattern && steps[0].type == "Split": return try steps[0].splitRule(file)
        default: throw .unsupported(file: file, feature: "the pre_tokenizer \(preTokenizer.summary)")
        }
    }

    /// Checks everything else that would change ids or text.
    ///
    /// - Throws: `HubTokenizerError.unsupported`.
    func checkRest(_ file: String) throws(HubTokenizerError) {
        func refuse(_ feature: String) -> HubTokenizerError { .unsupported(file: file, feature: feature) }
        if let type = model.type, type != "BPE" { throw refuse("a model of the type \(type)") }
        if let dropout = model.dropout, dropout != 0 { throw refuse("dropout of merges") }
        if model.subwordPrefix?.isEmpty == false { throw refuse("continuing_subword_prefix") }
        if model.wordSuffix?.isEmpty == false { throw refuse("end_of_word_suffix") }
        if model.byteFallback == true { throw refuse("byte_fallback") }
        if let normalizer { throw refuse("the normalizer \(normalizer.summary)") }
        guard let decoder, decoder.steps.count == 1, decoder.steps[0].type == "ByteLevel" else {
            throw refuse("a decoder other than ByteLevel")
        }
        for token in addedTokens ?? [] {
            if let feature = token.unsupportedFeature { throw refuse(feature) }
        }
    }

    /// The token that a text is put behind, if any.
    ///
    /// - Throws: `HubTokenizerError.unsupported` for any other template.
    func tokenInFront(_ file: String) throws(HubTokenizerError) -> String? {
        var found: String?
        for step in postProcessor?.steps ?? [] where step.type != "ByteLevel" {
            guard step.type == "TemplateProcessing", found == nil, let single = step.single,
                let text = single.last, text.sequence != nil, single.count <= 2,
                single.count == 1 || single[0].specialToken != nil
            else {
                throw .unsupported(file: file, feature: "the post_processor \(step.type) as it is there")
            }
            found = single.count == 2 ? single[0].specialToken?.id : nil
        }
        return found
    }
}

extension TokenizerJSON.Part {
    /// The types, for messages.
    fileprivate var summary: String {
        type == "Sequence" ? "Sequence of " + steps.map(\.type).joined(separator: ", ") : type
    }
}

extension TokenizerJSON.Step {
    /// The rule of a pattern that words are matched with.
    fileprivate func splitRule(_ file: String) throws(HubTokenizerError) -> PreTokenizer {
        guard let regex = pattern?.regex, let rule = PreTokenizer(pattern: regex) else {
            throw .unsupported(file: file, feature: "the pattern \(pattern?.regex ?? pattern?.text ?? "")")
        }
        guard behavior == "Isolated", isInverted != true else {
            throw .unsupported(file: file, feature: "a Split that is not Isolated, or inverted")
        }
        return rule
    }
}
