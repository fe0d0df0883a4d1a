import Tensors

/// Tensors of a message of which some have a few rows of a larger matrix.
struct SparseTensors {
    private let byName: [String: MessageTensor]

    init(_ tensors: [MessageTensor]) {
        byName = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Some rows of a larger matrix, and which they are.
    ///
    /// - Throws: `MethodError` for rows that the matrix does not have or has been given twice, or another width.
    func rows(_ name: String, columns: Int, of count: Int) throws(MethodError) -> (indices: [Int], values: Matrix) {
        guard let tensor = byName[name], let indices = tensor.indices, Set(indices).count == indices.count,
            indices.allSatisfy({ (0..<count).contains($0) })
        else { throw .misshapen(name: name, expected: "rows of \(count), each once") }
        let values = try tensor.storage(rows: indices.count, columns: columns)
        return (indices, values.matrix(rows: indices.count, columns: columns))
    }

    /// A whole tensor.
    ///
    /// - Throws: `MethodError` for one that is missing or of another shape.
    func whole(_ name: String, rows: Int, columns: Int) throws(MethodError) -> Matrix {
        guard let tensor = byName[name], tensor.indices == nil else {
            throw .misshapen(name: name, expected: "there, and whole")
        }
        return try tensor.storage(rows: rows, columns: columns).matrix(rows: rows, columns: columns)
    }

    /// Copies a whole tensor.
    ///
    /// - Throws: `MethodError` for one that is missing or of another shape.
    func copy(_ name: String, to matrix: Matrix) throws(MethodError) {
        matrix.copy(from: try whole(name, rows: matrix.rows, columns: matrix.columns))
    }

    subscript(name: String) -> MessageTensor? { byName[name] }
}
