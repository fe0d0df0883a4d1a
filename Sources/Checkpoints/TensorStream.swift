import Tensors

/// Takes the floats of one tensor after another, as a file has them, and checks that each is filled.
public struct TensorStream {
    private let file: FileAside
    /// Values of the tensor under way.
    private(set) var written = 0

    init(_ file: FileAside) { self.file = file }

    /// Appends the tensor's next rows.
    ///
    /// - Throws: `FileError.unwritable`.
    public mutating func append(_ matrix: Matrix) throws(FileError) {
        for row in 0..<matrix.rows {
            try append(UnsafeBufferPointer(start: matrix.base + row * matrix.stride, count: matrix.columns))
        }
    }

    /// Appends the tensor's next values.
    ///
    /// - Throws: `FileError.unwritable`.
    public mutating func append(_ values: [Float]) throws(FileError) {
        try values.withUnsafeBufferPointer { buffer throws(FileError) in try append(buffer) }
    }

    mutating func append(_ values: UnsafeBufferPointer<Float>) throws(FileError) {
        written += values.count
        try file.append(values)
    }

    /// Forgets the last tensor, and says whether it had the shape.
    mutating func finish(_ shape: [Int]) -> Bool {
        defer { written = 0 }
        return shape.reduce(1, *) == written
    }
}
