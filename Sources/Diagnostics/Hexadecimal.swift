extension FixedWidthInteger {
    /// All its digits, with zeros before them.
    public var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: Swift.max(0, Self.bitWidth / 4 - digits.count)) + digits
    }
}

extension Sequence<UInt8> {
    /// Two digits for each byte.
    public var hexadecimal: String { map(\.hexadecimal).joined() }
}
