/// The characters that stand for bytes in the tokens of byte-level vocabularies.
///
/// Printable characters of Latin-1 stand for themselves; the other bytes, in order, for the characters from U+0100 on.
enum ByteAlphabet {
    /// The character of each byte.
    static let characters: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (UInt8.min...UInt8.max).map { byte in
            if isPrintable(byte) { return Unicode.Scalar(byte) }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? Unicode.Scalar(byte)
        }
    }()

    /// The byte of each character.
    static let bytes = Dictionary(uniqueKeysWithValues: zip(characters, UInt8.min...UInt8.max))

    /// The bytes a token stands for. A token with a character outside the alphabet stands for its own UTF-8.
    static func decode(_ token: String) -> [UInt8] {
        var decoded: [UInt8] = []
        for scalar in token.unicodeScalars {
            guard let byte = bytes[scalar] else { return Array(token.utf8) }
            decoded.append(byte)
        }
        return decoded
    }

    /// The token that stands for bytes.
    static func encode(_ bytes: [UInt8]) -> String {
        var token = String.UnicodeScalarView()
        for byte in bytes { token.append(characters[Int(byte)]) }
        return String(token)
    }

    private static func isPrintable(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
    }
}
