/// Decodes tokens one by one into text that can be shown at once: a character comes when its last byte has.
///
/// What it gives, put together, is what `ByteLevelBPE.decode` makes of all tokens.
public struct StreamingDecoder: Sendable {
    private let tokenizer: ByteLevelBPE
    private let skipsSpecialTokens: Bool
    /// The begin of a character whose end has not come yet: three bytes at most.
    private var unfinished: [UInt8] = []

    /// - Parameter skippingSpecialTokens: whether special tokens are left out rather than named.
    public init(_ tokenizer: ByteLevelBPE, skippingSpecialTokens: Bool = false) {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skippingSpecialTokens
    }

    /// The text that is complete with this token. Bytes that can no longer become a character become U+FFFD.
    public mutating func append(_ id: Int32) -> String {
        let bytes = unfinished + tokenizer.bytes(of: id, skippingSpecialTokens: skipsSpecialTokens)
        let complete = bytes.count - Self.unfinishedCount(bytes)
        unfinished = Array(bytes[complete...])
        return String(decoding: bytes[..<complete], as: UTF8.self)
    }

    /// What was held back, as U+FFFD, at the end of the tokens. The decoder can then be used for another text.
    public mutating func finish() -> String {
        defer { unfinished = [] }
        return String(decoding: unfinished, as: UTF8.self)
    }

    /// How many bytes at the end are a character's begin (Unicode 16, table 3-7) that more bytes could complete.
    private static func unfinishedCount(_ bytes: [UInt8]) -> Int {
        guard let lead = bytes.indices.suffix(3).last(where: { bytes[$0] & 0xC0 != 0x80 }) else { return 0 }
        let (length, second): (Int, ClosedRange<UInt8>)
        switch bytes[lead] {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        let count = bytes.count - lead
        return count < length && (count == 1 || second.contains(bytes[lead + 1])) ? count : 0
    }
}
