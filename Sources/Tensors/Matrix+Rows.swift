extension Matrix {
    /// Copies some rows of another matrix into this one, in their order.
    public func copy(_ rows: [Int], of other: Matrix) {
        precondition(self.rows == rows.count && columns == other.columns)
        for (place, row) in rows.enumerated() { self[row: place].update(from: other[row: row], count: columns) }
    }

    /// Moves some rows to the front; what lies behind them is meaningless afterwards.
    ///
    /// - Parameter rows: ascending.
    public func gather(_ rows: [Int]) {
        for (place, row) in rows.enumerated() where place != row {
            self[row: place].update(from: self[row: row], count: columns)
        }
    }

    /// Moves the first rows to their places and zeroes all others: the gradient of `gather`.
    ///
    /// - Parameter rows: ascending.
    public func scatter(_ rows: [Int]) {
        var end = self.rows
        for (place, row) in rows.enumerated().reversed() {
            if place != row { self[row: row].update(from: self[row: place], count: columns) }
            self.rows(row + 1..<end).fill(0)
            end = row
        }
        self.rows(0..<end).fill(0)
    }

    private subscript(row row: Int) -> UnsafeMutablePointer<Float> { base + row * stride }
}
