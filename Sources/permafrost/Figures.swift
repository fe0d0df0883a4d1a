import Foundation
import Runs

/// Numbers as people read them.
enum Figures {
    /// `2,410`.
    static func count(_ value: Int) -> String {
        var digits = String(abs(value))
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// `1 step`, `2,410 steps`.
    static func count(_ value: Int, _ noun: String) -> String { "\(count(value)) \(noun)\(value == 1 ? "" : "s")" }

    /// `134.5M`: the size of a model.
    static func parameters(_ value: Int) -> String {
        value >= 1_000_000 ? "\(decimal(Double(value) / 1e6, 1))M" : "\(decimal(Double(value) / 1e3, 1))k"
    }

    /// `0.8643`: a fixed number of decimals.
    static func decimal(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }

    /// `1.2 %`: a share.
    static func percent(_ share: Double, _ places: Int = 1) -> String { "\(decimal(100 * share, places)) %" }

    /// `181 MB`: decimal units, as network rates are stated.
    static func bytes(_ value: Double) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var value = value, unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return "\(decimal(value, unit == 0 || value >= 100 ? 0 : 1)) \(units[unit])"
    }

    /// `0.9 GiB`: binary units, as memory is stated.
    static func memory(_ bytes: Int) -> String { "\(decimal(Double(bytes) / Double(1 << 30), 1)) GiB" }

    /// `2.0e-4`.
    static func rate(_ value: Double) -> String {
        let text = String(format: "%.1e", value)
        return text.replacingOccurrences(of: "e-0", with: "e-").replacingOccurrences(of: "e+0", with: "e+")
    }

    /// `4.2 s` below a minute, `3:05` from there on: minutes and seconds.
    static func duration(_ seconds: Double) -> String {
        guard seconds >= 59.95 else { return "\(decimal(max(0, seconds), 1)) s" }
        let whole = Int(seconds.rounded())
        return "\(whole / 60):" + String(format: "%02d", whole % 60)
    }

    /// `12.3 ms`.
    static func milliseconds(_ seconds: Double) -> String { "\(decimal(1000 * seconds, 1)) ms" }

    /// A score's figures in the order in which they are read; the majority class stands beside the accuracy.
    static func score(_ score: RunScore) -> String {
        score.figures.map { "\($0.name) \(decimal($0.value, 3))" }.joined(separator: "  ")
    }
}
