import Checkpoints
import Foundation
import Models

extension TrainableParameters {
    /// Writes the adapters as a folder that Python's PEFT reads, made if need be.
    ///
    /// - Throws: `RunError.folderUnwritable`, or what the adapter's files are refused with.
    func writePEFT(to path: String, baseModel: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw RunError(unwritable: path, error)
        }
        try peftAdapter(baseModel: baseModel)?.write(to: URL(fileURLWithPath: path))
    }

    /// Reads a PEFT folder into adapters for a model.
    ///
    /// - Throws: `RunError.adapterMissing`, `.adapterMismatch` when it was made for another model, or what the adapter's
    ///   files are refused with.
    convenience init(peft path: String, model: Hyperparameters) throws {
        guard FileManager.default.fileExists(atPath: "\(path)/adapter_config.json") else {
            throw RunError.adapterMissing(path: path)
        }
        let adapter = try PEFTAdapter(contentsOf: URL(fileURLWithPath: path))
        do {
            try self.init(adapter, model: model)
        } catch AdapterError.otherBase(let reason) {
            throw RunError.adapterMismatch(path: path, reason: reason)
        }
    }
}
