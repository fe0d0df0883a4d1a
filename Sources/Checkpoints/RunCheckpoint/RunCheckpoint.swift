import Diagnostics
import Foundation

/// All that a run needs to go on: a folder `step-00000120` with `state.safetensors` (parameters and optimizer moments),
/// `state.json`, `recipe.yaml`, `reports`, where need be `used-samples`, and, written last, the marker `complete`.
public struct RunCheckpoint: Sendable {
    static let tensorsName = "state.safetensors"
    static let stateName = "state.json"
    static let recipeName = "recipe.yaml"
    /// The file of `reports`.
    public static let reportsName = "reports"

    /// The file of `usedSamples`.
    public static let usedName = "used-samples"

    /// The folder.
    public let folder: URL
    /// Where the run stands.
    public let state: CheckpointState
    /// The trainable parameters and the optimizer's moments by name, mapped from the file: read each straight into its
    /// place.
    public let tensors: SafetensorsFile
    /// The resolved recipe.
    public let recipe: String
    /// What is to be told about the steps before, as its writer encoded it; empty when everything was told.
    public let reports: Data
    /// What the steps of the current epoch have trained, as the checkpoint's writer encoded it; empty, and no file, where
    /// the seed tells.
    public let usedSamples: Data

    /// Reads a checkpoint after its files were compared with the marker, to the bit.
    ///
    /// - Throws: `CheckpointError`; `SafetensorsError` or `FileError` when the tensors change while they are read.
    public init(contentsOf folder: URL) throws {
        let marker = try CheckpointMarker(in: folder)
        func read<Content>(_ name: String, _ body: (URL) throws -> Content) throws(CheckpointError) -> Content {
            do {
                return try body(folder.appendingPathComponent(name))
            } catch {
                throw .damaged(folder: folder.path, file: name, reason: systemReason(of: error))
            }
        }
        let tensorsDigest = try read(Self.tensorsName) { try FileDigest(contentsOf: $0) }
        let json = try read(Self.stateName) { try Data(contentsOf: $0) }
        let recipe = try read(Self.recipeName) { try Data(contentsOf: $0) }
        let reports = try read(Self.reportsName) { try Data(contentsOf: $0) }
        let hasUsed = FileManager.default.fileExists(atPath: folder.appendingPathComponent(Self.usedName).path)
        let used = try hasUsed ? read(Self.usedName) { try Data(contentsOf: $0) } : Data()
        try marker.check(
            [
                (Self.tensorsName, tensorsDigest), (Self.stateName, FileDigest(of: json)),
                (Self.recipeName, FileDigest(of: recipe)), (Self.reportsName, FileDigest(of: reports)),
            ] + (hasUsed ? [(Self.usedName, FileDigest(of: used))] : []))
        self.folder = folder
        state = try CheckpointState(json: json, folder: folder.path)
        tensors = try SafetensorsFile(folder.appendingPathComponent(Self.tensorsName))
        self.reports = reports
        usedSamples = used
        self.recipe = String(decoding: recipe, as: UTF8.self)
    }

    /// The newest whole checkpoint of a folder.
    ///
    /// - Parameter onSkipped: is told of each newer one that is not whole, and why.
    /// - Returns: nil when there is none, or no such folder.
    /// - Throws: `CheckpointError.unreadable` when the folder cannot be listed.
    public static func latest(
        in parent: URL, onSkipped: (URL, any NumberedError) -> Void
    ) throws -> RunCheckpoint? {
        for candidate in try CheckpointFolder.list(in: parent).checkpoints {
            do {
                return try RunCheckpoint(contentsOf: candidate.url)
            } catch let error as any NumberedError {
                onSkipped(candidate.url, error)
            }
        }
        return nil
    }
}
