/// The final answer of a worked solution, as in GSM8K: a number behind a marker, such as `#### 72`.
public enum FinalAnswer {
    /// The first number behind the first marker, in a form in which equal numbers are equal texts.
    ///
    /// A dollar sign before the number, commas that group its digits, a leading plus, a period at its end and zeros
    /// that say nothing are left out: `$1,234.50.` gives `1234.5`. What stands behind the number, such as a unit, is
    /// ignored.
    ///
    /// - Returns: nil without a marker, or when no number follows it directly.
    public static func number(in text: String, after marker: String) -> String? {
        guard let place = text.firstRange(of: marker) else { return nil }
        var rest = text[place.upperBound...].drop { $0.isWhitespace }
        var isNegative = false
        while let first = rest.first, "+-\u{2212}$".contains(first) {
            if first != "+", first != "$" { isNegative = true }
            rest = rest.dropFirst()
        }
        let whole = rest.prefix { $0.isASCIIDigit || $0 == "," }.filter(\.isASCIIDigit)
        rest = rest.drop { $0.isASCIIDigit || $0 == "," }
        let fraction = rest.first == "." ? rest.dropFirst().prefix(while: \.isASCIIDigit) : ""
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        // Half of a fraction is not its value.
        let behind = rest.dropFirst(fraction.isEmpty ? 0 : fraction.count + 1)
        if behind.first == "/", behind.dropFirst().first?.isASCIIDigit == true { return nil }
        return normalised(isNegative: isNegative, whole: whole, fraction: String(fraction))
    }

    /// Whether a text gives the same final answer as a reference does.
    public static func agrees(_ text: String, with reference: String, marker: String) -> Bool {
        guard let expected = number(in: reference, after: marker) else { return false }
        return number(in: text, after: marker) == expected
    }

    private static func normalised(isNegative: Bool, whole: String, fraction: String) -> String {
        let digits = whole.drop { $0 == "0" }
        var decimals = fraction[...]
        while decimals.last == "0" { decimals = decimals.dropLast() }
        let number = (digits.isEmpty ? "0" : digits) + (decimals.isEmpty ? "" : "." + decimals)
        return isNegative && number != "0" ? "-" + number : String(number)
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
