import Foundation
import Tensors

/// A model in a folder as the hub has it: `config.json` and weights in safetensors files.
///
/// Numbers that are not finite are read as they are: to look for them would mean to read all weights at opening.
public struct HubModel: ModelSource {
    /// The sizes and constants of the architecture.
    public let hyperparameters: Hyperparameters
    /// The folder.
    public let folder: URL
    /// What `config.json` says.
    public let configuration: HubConfiguration

    private let files: HubFiles
    private let places: [String: HubFiles.Place]

    /// Opens the folder and checks that every tensor of the model is there in its shape and as 16- or 32-bit floats, and
    /// no other that would change the mathematics.
    ///
    /// - Parameter families: those that the model may be of.
    /// - Throws: `FileError`, `HubError` or `SafetensorsError` when the model is damaged, incomplete or not supported.
    public init(_ folder: URL, families: [ModelFamily] = ModelFamily.all) throws {
        self.folder = folder
        configuration = try HubConfiguration(folder.appendingPathComponent(HubConfiguration.fileName))
        hyperparameters = try configuration.hyperparameters(families: families)
        files = try HubFiles(in: folder)
        var stored = try Self.canonicalPlaces(files, hyperparameters)
        var places: [String: HubFiles.Place] = [:]
        for tensor in hyperparameters.tensors {
            guard let place = stored.removeValue(forKey: tensor.name) else {
                throw HubError.missingTensor(folder: folder.path, tensor: tensor.name)
            }
            try place.file.checkFloats(place.name, shape: tensor.shape)
            places[tensor.name] = place
        }
        // A bias left out would spoil the model silently.
        if let (_, place) = stored.min(by: { $0.key < $1.key }) {
            throw HubError.unplacedTensor(file: place.file.path, tensor: place.name)
        }
        self.places = places
    }

    /// A tensor's dimensions by its hub name, outermost first, or nil when the model has none such.
    public func shape(of name: String) -> [Int]? { places[name].flatMap { $0.file.shapes[$0.name] } }

    /// Reads a whole tensor as floats.
    ///
    /// - Throws: `HubError.missingTensor`, or `SafetensorsError` when the matrix has another shape.
    public func read(_ name: String, into matrix: Matrix) throws {
        let place = try find(name)
        try place.file.read(place.name, into: matrix)
    }

    /// Reads some rows of a tensor, and touches no other.
    ///
    /// - Throws: `HubError.missingTensor`, or `SafetensorsError` when there is no such row or the matrix has another
    ///   shape.
    public func readRows(_ rows: [Int], of name: String, into matrix: Matrix) throws {
        let place = try find(name)
        try place.file.readRows(rows, of: place.name, into: matrix)
    }

    /// Gives the resident pages of the files back to the system.
    public func releasePages() { for file in files.files { file.releasePages() } }

    private func find(_ name: String) throws(HubError) -> HubFiles.Place {
        guard let place = places[name] else { throw .missingTensor(folder: folder.path, tensor: name) }
        return place
    }

    /// Tensors by the names of the causal model, less those that can be computed.
    ///
    /// Files of the model without its head leave out the first part of each name, `transformer.` or `model.`.
    private static func canonicalPlaces(
        _ files: HubFiles, _ sizes: Hyperparameters
    ) throws -> [String: HubFiles.Place] {
        let names = sizes.family.names
        let head = "\(names.head).weight", embedding = "\(names.embedding).weight"
        let prefix = names.blocks.prefix { $0 != "." } + "."
        var places: [String: HubFiles.Place] = [:]
        for file in files.files {
            for name in file.shapes.keys.sorted()
            where !sizes.family.ignoredTensors.contains(where: name.hasSuffix) {
                let canonical = name.hasPrefix(prefix) || name.hasPrefix("\(names.head).") ? name : prefix + name
                guard places.updateValue(HubFiles.Place(file: file, name: name), forKey: canonical) == nil else {
                    throw HubError.unplacedTensor(file: file.path, tensor: name)
                }
            }
        }
        // Of two tied tensors a file may have both, or either.
        if sizes.tiedEmbeddings, let copy = places.removeValue(forKey: head), places[embedding] == nil {
            places[embedding] = copy
        }
        return places
    }
}
