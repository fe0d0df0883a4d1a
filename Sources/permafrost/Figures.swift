import Foundation

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

    /// `0.8643`: a fixed number of decimals.
    static func decimal(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }

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
    static func memory(_ bytes: Int) -> String { "\(decimal(Double(bytes) / Double(1 << 30), 2)) GiB" }

    /// `2.0e-4`.
    static func rate(_ value: Double) -> String {
        let text = String(format: "%.1e", value)
        return text.replacingOccurrences(of: "e-0", with: "e-").replacingOccurrences(of: "e+0", with: "e+")
    }

    /// `3:05`: minutes and seconds.
    static func duration(_ seconds: Double) -> String {
        let whole = Int(max(0, seconds).rounded())
        return "\(whole / 60):" + String(format: "%02d", whole % 60)
    }
}
