import Tensors

/// A model of which some tensors come from another file: the weights that full fine-tuning changed.
public struct OverlaidModel: ModelSource {
    private let base: any ModelSource
    private let overlay: SafetensorsFile

    /// - Parameters:
    ///   - base: the model as it was before.
    ///   - overlay: tensors under their hub names; names that the model does not have are never asked for.
    public init(base: any ModelSource, overlay: SafetensorsFile) {
        self.base = base
        self.overlay = overlay
    }

    /// Those of the model.
    public var hyperparameters: Hyperparameters { base.hyperparameters }

    /// A tensor's dimensions, nil when the model has none such.
    public func shape(of name: String) -> [Int]? { base.shape(of: name) }

    /// Reads a whole tensor from where it is newest.
    ///
    /// - Throws: what the file is refused with.
    public func read(_ name: String, into matrix: Matrix) throws {
        guard overlay.shapes[name] != nil else { return try base.read(name, into: matrix) }
        try overlay.read(name, into: matrix)
    }

    /// Reads rows of a tensor from where it is newest.
    ///
    /// - Throws: what the file is refused with.
    public func readRows(_ rows: [Int], of name: String, into matrix: Matrix) throws {
        guard overlay.shapes[name] != nil else { return try base.readRows(rows, of: name, into: matrix) }
        try overlay.readRows(rows, of: name, into: matrix)
    }

    /// Gives the resident pages of both back to the system.
    public func releasePages() {
        base.releasePages()
        overlay.releasePages()
    }
}
