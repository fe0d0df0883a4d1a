import Tensors

/// The frozen weights of a model as named tensors, whatever file they come from.
///
/// Names and row order are those of the hub's reference implementation (`model.layers.0.self_attn.q_proj.weight`).
/// A tensor of one dimension is read into a matrix of one row; one of more than two dimensions has all but its
/// innermost dimension as rows.
public protocol ModelSource: Sendable {
    /// The sizes and constants of the architecture.
    var hyperparameters: Hyperparameters { get }

    /// A tensor's dimensions, outermost first ([out, in] for a linear layer), or nil when there is no such tensor.
    func shape(of name: String) -> [Int]?

    /// Reads a whole tensor as floats.
    ///
    /// - Throws: when there is no such tensor or the matrix has another shape.
    func read(_ name: String, into matrix: Matrix) throws

    /// Reads some rows of a tensor, in the order given, as floats; no other row is touched.
    ///
    /// - Parameters:
    ///   - rows: indices along the outermost dimension; repeats are fine.
    ///   - matrix: `rows.count` rows of the tensor's innermost dimension.
    /// - Throws: when there is no such tensor or row, or the matrix has another shape.
    func readRows(_ rows: [Int], of name: String, into matrix: Matrix) throws

    /// Gives memory that only mirrors the file back to the system, once the weights have been copied out of it.
    func releasePages()
}
