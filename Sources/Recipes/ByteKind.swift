import Yams

extension ValueKind<Int> {
    /// A number of bytes: `1048576`, `64KiB`, `16MiB`, `4GiB`, `1TiB`.
    static func bytes(_ range: ClosedRange<Int>) -> Self {
        let bounds = "from \(byteText(range.lowerBound)) to \(byteText(range.upperBound))"
        return .init(expected: "a size \(bounds), such as 16MiB") { node throws(ValueProblem) in
            guard let text = node.plainText else { throw .wrongType(node) }
            let digits = text.prefix { ("0"..."9").contains($0) }
            let unit = text.dropFirst(digits.count)
            let shift = unit.isEmpty ? 0 : byteUnits.first { $0.name == unit }?.shift
            guard !digits.isEmpty, let shift else { throw .wrongType(node) }
            guard let count = Int(digits) else { throw .impossible(node) }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
            guard !overflow, range.contains(bytes) else { throw .impossible(node) }
            return bytes
        } encode: {
            .plain(byteText($0))
        }
    }
}

private let byteUnits = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)].map { (name: $0.0, shift: $0.1) }

/// A number of bytes in the largest unit that shows it exactly.
func byteText(_ bytes: Int) -> String {
    let unit = byteUnits.first { bytes != 0 && bytes & ((1 << $0.shift) - 1) == 0 }
    return unit.map { "\(bytes >> $0.shift)\($0.name)" } ?? "\(bytes)"
}
