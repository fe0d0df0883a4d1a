extension String {
    /// Whether it can be a file's name everywhere, whoever chose it: ASCII letters, digits, '.', '_' and '-', of which the
    /// first is a letter or digit.
    public func isPlainName(longest: Int) -> Bool {
        guard let first = utf8.first, utf8.count <= longest else { return false }
        return first.isLetterOrDigit && utf8.allSatisfy { $0.isLetterOrDigit || "._-".utf8.contains($0) }
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
