import Foundation
import Support
import Tensors

@testable import Checkpoints

/// A committed fixture of the file readers.
func fixture(_ path: String) -> URL { Fixtures.folder.appendingPathComponent(path) }

/// What a reader writes into a matrix that has a gap of foreign floats after each row.
func floats(rows: Int, columns: Int, _ read: (Matrix) throws -> Void) rethrows -> [Float] {
    let storage = Storage(count: rows * (columns + 3))
    return try withExtendedLifetime(storage) {
        let matrix = storage.matrix(rows: rows, columns: columns, stride: columns + 3)
        matrix.fill(.nan)
        try read(matrix)
        return matrix.values
    }
}

/// All values of a tensor of a shape, as a reader gives them.
func floats(shape: [Int], _ read: (Matrix) throws -> Void) rethrows -> [Float] {
    try floats(rows: shape.dropLast().reduce(1, *), columns: shape.last ?? 1, read)
}

extension GGUFFile {
    /// All floats of a tensor.
    func floats(_ tensor: GGUFTensor) -> [Float] {
        CheckpointsTests.floats(shape: tensor.shape) { matrix in
            read(rows: 0..<matrix.rows, of: tensor, into: matrix)
        }
    }
}
