extension Matrix {
    /// Copies the elements of a matrix with rows and columns exchanged.
    public func copy(transposed other: Matrix) {
        precondition(rows == other.columns && columns == other.rows)
        // In tiles, so that neither side misses the cache at every element.
        let tile = 32
        for firstRow in Swift.stride(from: 0, to: rows, by: tile) {
            for firstColumn in Swift.stride(from: 0, to: columns, by: tile) {
                for row in firstRow..<min(firstRow + tile, rows) {
                    for column in firstColumn..<min(firstColumn + tile, columns) {
                        self[row, column] = other[column, row]
                    }
                }
            }
        }
    }

    /// A copy with rows and columns exchanged.
    public func transposedCopy() -> Matrix {
        let copy = Storage(count: count).matrix(rows: columns, columns: rows)
        copy.copy(transposed: self)
        return copy
    }
}
