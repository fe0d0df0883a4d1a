import Tensors

/// A model of which some tensors come from another file: the weights that full fine-tuning changed.
public struct OverlaidModel: ModelSource {
    /// The file of an overlay in the folder of what was trained.
    public static let weightsName = "trained.safetensors"

    let base: any ModelSource
    private let overlay: SafetensorsFile

    /// - Parameters:
    ///   - base: the model as it was before.
    ///   - overlay: tensors under their hub names; names that the model does not have are never asked for.
    public init(base: any ModelSource, overlay: SafetensorsFile) {
        self.base = base
        self.overlay = overlay
    }

    /// Whether a classifier was trained along, which no language model has a place for.
    var hasClassifier: Bool { overlay.shapes[Self.classifierName] != nil }

    static let classifierName = "\(PEFTAdapter.classifier).weight"

    /// Checks that every tensor of the overlay is one of the model's, in its shape.
    ///
    /// - Throws: `AdapterError.otherBase`.
    func check() throws(AdapterError) {
        let shapes = Dictionary(uniqueKeysWithValues: hyperparameters.tensors.map { ($0.name, $0.shape) })
        for (name, shape) in overlay.shapes.sorted(by: { $0.key < $1.key }) where name != Self.classifierName {
            guard let expected = shapes[name] else {
                throw .otherBase(reason: "it has the tensor \(name), and the model has none such")
            }
            guard shape == expected else {
                throw .otherBase(reason: "its tensor \(name) is \(shape), and that of the model \(expected)")
            }
        }
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
