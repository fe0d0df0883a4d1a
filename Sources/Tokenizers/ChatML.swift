/// One message of a chat.
public struct ChatMessage: Sendable, Equatable {
    /// Who speaks: `system`, `user` or `assistant`.
    public let role: String
    /// What is said, verbatim.
    public let content: String

    /// - Parameters: as the properties of these names.
    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// The chat format whose messages stand between `<|im_start|>` and `<|im_end|>`.
///
/// Templates are not run: from one that uses these two tokens only the system message that it puts before a chat
/// without one is taken.
public struct ChatML: Sendable {
    private static let start = "<|im_start|>"
    private static let end = "<|im_end|>"

    /// What the system says when the chat does not say it itself, if anything.
    public let defaultSystemMessage: String?
    private let tokenizer: ByteLevelBPE
    private let startID: Int32
    /// The token that ends a message.
    public let turnEnd: Int32

    /// Nil when the template is none of ChatML, or the tokenizer lacks one of its two tokens.
    public init?(template: String?, tokenizer: ByteLevelBPE) {
        guard let template, template.contains(Self.start), template.contains(Self.end),
            let startID = tokenizer.id(of: Self.start), let endID = tokenizer.id(of: Self.end),
            tokenizer.isSpecial(startID), tokenizer.isSpecial(endID)
        else { return nil }
        self.tokenizer = tokenizer
        self.startID = startID
        turnEnd = endID
        defaultSystemMessage = Self.defaultSystemMessage(of: template)
    }

    /// The tokens of a chat, up to where the assistant's answer begins.
    ///
    /// Names of special tokens in roles and contents are only letters, so that no message can end its own turn.
    public func prompt(_ messages: [ChatMessage]) -> [Int32] {
        var ids: [Int32] = []
        for message in withSystemMessage(messages) {
            ids.append(startID)
            ids += tokenizer.encode("\(message.role)\n\(message.content)")
            ids.append(turnEnd)
            ids += tokenizer.encode("\n")
        }
        return ids + [startID] + tokenizer.encode("assistant\n")
    }

    private func withSystemMessage(_ messages: [ChatMessage]) -> [ChatMessage] {
        guard let defaultSystemMessage, let first = messages.first, first.role != "system" else { return messages }
        return [ChatMessage(role: "system", content: defaultSystemMessage)] + messages
    }

    /// The fixed text of a system message inside a template that asks whether the chat has one.
    private static func defaultSystemMessage(of template: String) -> String? {
        guard template.contains("!= 'system'") || template.contains("!= \"system\"") else { return nil }
        for lineBreak in ["\n", "\\n"] {
            let opening = "\(start)system\(lineBreak)"
            guard let begin = template.firstRange(of: opening)?.upperBound,
                let stop = template[begin...].firstRange(of: end)?.lowerBound
            else { continue }
            let message = template[begin..<stop]
            // With a quote or a brace in it, it is put together from parts.
            if !message.contains(where: { "'\"{}\\".contains($0) }) { return String(message) }
        }
        return nil
    }
}
