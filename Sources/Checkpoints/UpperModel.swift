import Tensors

/// The upper blocks of a model as a model of their own, numbered from 0.
public struct UpperModel: ModelSource {
    private let base: any ModelSource
    private let first: Int
    /// Those of the model, with as many layers as lie above.
    public let hyperparameters: Hyperparameters

    /// - Parameter first: the block that becomes block 0; below the model's number of them.
    public init(of base: any ModelSource, from first: Int) {
        self.base = base
        self.first = first
        hyperparameters = base.hyperparameters.withLayers(base.hyperparameters.layers - first)
    }

    /// A tensor's dimensions, nil when the model has none such.
    public func shape(of name: String) -> [Int]? { base.shape(of: inWhole(name)) }

    /// Reads a whole tensor.
    ///
    /// - Throws: what the file is refused with.
    public func read(_ name: String, into matrix: Matrix) throws { try base.read(inWhole(name), into: matrix) }

    /// Reads rows of a tensor.
    ///
    /// - Throws: what the file is refused with.
    public func readRows(_ rows: [Int], of name: String, into matrix: Matrix) throws {
        try base.readRows(rows, of: inWhole(name), into: matrix)
    }

    /// Gives the file's resident pages back to the system.
    public func releasePages() { base.releasePages() }

    /// What the whole model calls a tensor.
    private func inWhole(_ name: String) -> String {
        let blocks = hyperparameters.family.names.blocks
        guard name.hasPrefix(blocks) else { return name }
        let rest = name.dropFirst(blocks.count)
        guard let end = rest.firstIndex(of: "."), let block = Int(rest[..<end]) else { return name }
        return hyperparameters.family.names.inBlock(block + first, String(rest[rest.index(after: end)...]))
    }
}
