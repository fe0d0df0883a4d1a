import Foundation
import Tensors

/// A Llama model in a GGUF file, under hub names and in hub row order.
public struct GGUFModel: ModelSource {
    /// The sizes and constants of the architecture.
    public let hyperparameters: Hyperparameters
    /// The file behind the model, which also holds the tokenizer's metadata.
    public let file: GGUFFile

    private let tensors: [String: (stored: GGUFTensor, layout: LlamaTensor)]

    /// Opens the file and checks that every tensor of the model is there in its shape, and no other.
    ///
    /// - Throws: `FileError`, or `GGUFError` when the file is damaged, incomplete or not supported.
    public init(_ url: URL) throws { try self.init(GGUFFile(url)) }

    /// Finds the model in an open file.
    ///
    /// - Throws: `GGUFError` when the model is incomplete or not supported.
    public init(_ file: GGUFFile) throws(GGUFError) {
        self.file = file
        hyperparameters = try file.llamaHyperparameters()
        var tensors: [String: (GGUFTensor, LlamaTensor)] = [:]
        var unplaced = Set(file.tensors.keys)
        for layout in llamaTensors(hyperparameters) {
            guard let stored = file.tensors[layout.fileName] else {
                throw .missingTensor(file: file.path, tensor: layout.fileName)
            }
            guard stored.shape == layout.shape else {
                throw .wrongShape(
                    file: file.path, tensor: layout.fileName, found: stored.shape, expected: layout.shape)
            }
            tensors[layout.hubName] = (stored, layout)
            unplaced.remove(layout.fileName)
        }
        unplaced.remove(llamaRotaryTable)
        // A bias left out would spoil the model silently.
        if let name = unplaced.min() {
            throw .unsupportedFeature(file: file.path, feature: "the tensor \(name)")
        }
        self.tensors = tensors
    }

    /// A tensor's dimensions by its hub name, outermost first, or nil when the model has none such.
    public func shape(of name: String) -> [Int]? { tensors[name]?.layout.shape }

    /// Dequantises a whole tensor, with its rows in hub order.
    ///
    /// - Throws: `GGUFError` when there is no such tensor or the matrix has another shape.
    public func read(_ name: String, into matrix: Matrix) throws {
        let (stored, layout) = try find(name)
        guard matrix.rows == stored.rows, matrix.columns == stored.columns else {
            throw GGUFError.wrongShape(
                file: file.path, tensor: name, found: layout.shape, expected: [matrix.rows, matrix.columns])
        }
        file.read(rows: (0..<stored.rows).lazy.map(layout.fileRow), of: stored, into: matrix)
    }

    /// Dequantises some rows of a tensor, counted in hub order, and touches no other.
    ///
    /// - Throws: `GGUFError` when there is no such tensor or row, or the matrix has another shape; `FileError.unreadable`.
    public func readRows(_ rows: [Int], of name: String, into matrix: Matrix) throws {
        let (stored, layout) = try find(name)
        if let row = rows.first(where: { !(0..<stored.rows).contains($0) }) {
            throw GGUFError.rowOutside(file: file.path, tensor: name, row: row, rows: stored.rows)
        }
        guard matrix.rows == rows.count, matrix.columns == stored.columns else {
            throw GGUFError.wrongShape(
                file: file.path, tensor: name, found: [rows.count, stored.columns],
                expected: [matrix.rows, matrix.columns])
        }
        try file.readRows(rows.map(layout.fileRow), of: stored, into: matrix)
    }

    /// Gives the resident pages of the file back to the system.
    public func releasePages() { file.releasePages() }

    private func find(_ name: String) throws(GGUFError) -> (GGUFTensor, LlamaTensor) {
        guard let found = tensors[name] else { throw .missingTensor(file: file.path, tensor: name) }
        return found
    }
}
