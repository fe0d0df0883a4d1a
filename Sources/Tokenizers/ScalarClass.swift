/// What a character is to the word pattern.
///
/// The reference implementation (Hugging Face `tokenizers` 0.23) matches words with the tables of Unicode 16 but finds
/// digits with those of Unicode 17; a character that is younger than 16 is therefore no letter to it.
enum ScalarClass: UInt8 {
    case letter
    case number
    case space
    case other
    /// A number to the digit splitter and a sign to the word pattern.
    case recentNumber

    private static let lastVersion = 16

    init(_ scalar: Unicode.Scalar) {
        switch scalar.value {
        case 0x61...0x7A, 0x41...0x5A: self = .letter
        case 0x30...0x39: self = .number
        case 0x09...0x0D, 0x20: self = .space
        case 0x00...0x7F: self = .other
        default: self = Self.beyondASCII(scalar.properties)
        }
    }

    private static func beyondASCII(_ properties: Unicode.Scalar.Properties) -> ScalarClass {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            isRecent(properties) ? .other : .letter
        case .decimalNumber, .letterNumber, .otherNumber:
            isRecent(properties) ? .recentNumber : .number
        default:
            properties.isWhitespace ? .space : .other
        }
    }

    private static func isRecent(_ properties: Unicode.Scalar.Properties) -> Bool {
        guard let age = properties.age else { return true }
        return age.major > lastVersion
    }

    var isSign: Bool { self == .other || self == .recentNumber }
    var isDigit: Bool { self == .number || self == .recentNumber }
}
