import Diagnostics

/// Rows of columns that stand below each other.
struct TextTable {
    /// How a column stands in its width.
    enum Side {
        case left, right
    }

    private let sides: [Side]
    private var rows: [[String]]

    init(_ columns: [(title: String, side: Side)]) {
        sides = columns.map(\.side)
        rows = [columns.map(\.title)]
    }

    /// Whoever wrote what stands in it, a cell stays in its place.
    mutating func add(_ row: [String]) { rows.append(row.map(\.printable)) }

    /// The titles, then one line per row.
    var lines: [String] {
        let widths = sides.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(zip(row, widths), sides).map { cell, side in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return side == .left ? cell.0 + space : space + cell.0
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
