import Randomness

/// What can happen to the bytes of a file.
enum Mutation {
    private static let bombs: [UInt64] = [.max, 1 << 63, 1 << 62, 1 << 40, 1 << 32, 0xFFFF_FFFF, 1 << 24, 4096, 0]
    private static let texts = [
        "99999999999999999999", "-1", "1e999", "1e-400", "NaN", "null", "[[[[", "{\"a\":", "0.5", "\"", "\\u0000",
        "true",
        "9223372036854775807", "4611686018427387904", "",
    ]

    /// One to three damages, most of them in the first two kilobytes, where formats keep their headers.
    static func mutate(_ original: [UInt8], _ chance: inout SeededGenerator) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &chance) where bytes.count > 16 {
            damage(&bytes, &chance)
        }
        return bytes
    }

    private static func damage(_ bytes: inout [UInt8], _ chance: inout SeededGenerator) {
        let reach = Int.random(in: 0..<8, using: &chance) == 0 ? bytes.count : min(bytes.count, 2000)
        let place = Int.random(in: 0..<reach - 8, using: &chance)
        switch Int.random(in: 0..<12, using: &chance) {
        case 0: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &chance))
        case 1...4: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
        case 5...6:
            // A length or count that claims too much.
            let bomb = bombs.randomElement(using: &chance) ?? .max
            let width = Bool.random(using: &chance) ? 8 : 4
            for byte in 0..<width { bytes[place + byte] = UInt8(truncatingIfNeeded: bomb >> UInt64(8 * byte)) }
        case 7...8:
            // Another value in a header of text, in place of a number where there is one near.
            let digits = bytes[place...].prefix(200).firstIndex { (48...57).contains($0) } ?? place
            let end = bytes[digits...].firstIndex { !(48...57).contains($0) } ?? digits
            bytes.replaceSubrange(digits..<end, with: (texts.randomElement(using: &chance) ?? "").utf8)
        case 9:
            // A stretch of the file once more, in place of another or between: overlaps and keys that occur twice.
            let source = Int.random(in: 0..<reach - 8, using: &chance)
            let length = min(Int.random(in: 1...64, using: &chance), bytes.count - max(place, source))
            let copied = Array(bytes[source..<source + length])
            bytes.replaceSubrange(place..<place + (Bool.random(using: &chance) ? length : 0), with: copied)
        case 10:
            // A number that is none, or infinite, among the weights.
            let weight = Int.random(in: 0..<bytes.count / 4 - 1, using: &chance) * 4
            let number = [Float.nan, .infinity, -.infinity].randomElement(using: &chance) ?? .nan
            for byte in 0..<4 {
                bytes[weight + byte] = UInt8(truncatingIfNeeded: number.bitPattern >> UInt32(8 * byte))
            }
        default:
            let length = min(Int.random(in: 1...64, using: &chance), bytes.count - place)
            bytes.removeSubrange(place..<place + length)
        }
    }
}
