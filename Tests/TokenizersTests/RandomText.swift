import Randomness

/// Characters of all planes, many of them unassigned, with names of special tokens, digits, spaces and signs among them.
func randomText(length: ClosedRange<Int>, names: [String], _ chance: inout SeededGenerator) -> String {
    var text = ""
    for _ in 0..<Int.random(in: length, using: &chance) {
        switch Int.random(in: 0..<12, using: &chance) {
        case 0: text += names.randomElement(using: &chance) ?? ""
        case 1: text += ["  ", "\r\n", "\u{3000}", "'ll", "'RE", "123456"].randomElement(using: &chance) ?? ""
        case 2: text += String(decoding: randomBytes(0...7, &chance), as: UTF8.self)
        default:
            let code = UInt32.random(in: 0...0x10_FFFF, using: &chance) >> UInt32.random(in: 0...16, using: &chance)
            if let scalar = Unicode.Scalar(code) { text.unicodeScalars.append(scalar) }
        }
    }
    return text
}

/// Bytes that mostly are no UTF-8.
func randomBytes(_ count: ClosedRange<Int>, _ chance: inout SeededGenerator) -> [UInt8] {
    (0..<Int.random(in: count, using: &chance)).map { _ in
        let byte = UInt8.random(in: 0...0xFF, using: &chance)
        return Bool.random(using: &chance) ? byte | 0x80 : byte
    }
}
