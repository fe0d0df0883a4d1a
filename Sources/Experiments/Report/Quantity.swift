import Foundation

/// Numbers with units, as tables and axes show them.
public enum Quantity {
    /// `1.2 GB`, `340 TFLOP`: three digits and a decimal prefix.
    public static func text(_ value: Double, _ unit: String) -> String {
        guard value != 0, value.isFinite else { return "\(value.isFinite ? "0" : "–") \(unit)" }
        let prefixes = ["", "k", "M", "G", "T", "P", "E", "Z"]
        let power = min(max(0, Int((log10(abs(value) * 1.000_5) / 3).rounded(.down))), prefixes.count - 1)
        return "\(digits(value / pow(1000, Double(power)))) \(prefixes[power])\(unit)"
    }

    /// `42 s`, `12 min`, `3.4 h`, `2.1 d`.
    public static func time(_ seconds: Double) -> String {
        let units = [(86_400.0, "d"), (3600, "h"), (60, "min")]
        guard let (size, unit) = units.first(where: { seconds >= $0.0 }) else { return "\(digits(seconds)) s" }
        return "\(digits(seconds / size)) \(unit)"
    }

    /// `86.1 %`.
    public static func percent(_ share: Double) -> String { "\(decimal(100 * share, 1)) %" }

    /// `+34.4`, `−0.3`.
    public static func signed(_ value: Double) -> String {
        let text = decimal(abs(value), 1)
        return text == "0.0" ? text : (value < 0 ? "−" : "+") + text
    }

    /// `86.1 ± 0.4`: percent with the standard deviation, where there is one.
    public static func percentages(_ spread: Spread) -> String {
        decimal(100 * spread.mean, 1) + (spread.deviation.map { " ± \(decimal(100 * $0, 1))" } ?? "")
    }

    /// A fixed number of decimals.
    static func decimal(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }

    /// Three digits that matter, without zeros at the end of a fraction.
    static func digits(_ value: Double) -> String {
        let magnitude = abs(value)
        if magnitude >= 99.95 { return decimal(value, 0) }
        let text = decimal(value, magnitude >= 9.995 ? 1 : magnitude >= 0.995 || magnitude == 0 ? 2 : 3)
        var kept = Substring(text)
        while kept.last == "0" { kept.removeLast() }
        return String(kept.last == "." ? kept.dropLast() : kept)
    }
}
