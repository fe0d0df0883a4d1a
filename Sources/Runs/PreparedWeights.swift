import Checkpoints
import Diagnostics
import Foundation
import Models
import Recipes
import Tensors

/// What happens to the file of prepared blocks, for whoever watches.
public enum PreparedNews: Sendable {
    /// The file was made.
    case made(file: String, bytes: Int, seconds: Double)
    /// The file is damaged and was removed.
    case damaged(any NumberedError)
    /// There is none, and it could not be made: blocks come from the model's own file.
    case unavailable(any NumberedError)
}

/// The file with the prepared blocks of a model, in the cache folder.
struct PreparedWeights {
    let source: any ModelSource
    /// The SHA-256 of the model's file.
    let digest: String
    let type: WeightType
    let cache: CacheFolder
    let observer: @Sendable (PreparedNews) -> Void

    private var folder: URL { URL(fileURLWithPath: cache.path).appendingPathComponent("prepared") }
    private var name: String { "\(digest)-\(type.rawValue).blocks" }
    private var file: URL { folder.appendingPathComponent(name) }

    /// Maps the file, which is made where it is not there or not whole, by one process at a time.
    ///
    /// - Returns: nil when it cannot be made.
    /// - Throws: what the source throws for a missing, misshapen or damaged tensor.
    func open() throws -> PreparedBlocks? {
        if let blocks = try? mapped() { return blocks }
        do {
            return try made()
        } catch let error as FileError {
            observer(.unavailable(error))
            return nil
        }
    }

    private func mapped() throws(FileError) -> PreparedBlocks {
        try PreparedBlocks(file, of: source.hyperparameters, digest: digest, as: type) { [file, observer] error in
            // Whoever has it mapped keeps what it has; the next one to open it makes it anew.
            unlink(file.path)
            observer(.damaged(error))
        }
    }

    private func made() throws -> PreparedBlocks {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw FileError.unwritable(file: folder.path, reason: systemReason(of: error))
        }
        return try FileLock.holding(folder.appendingPathComponent(".\(name).lock")) {
            if FileManager.default.fileExists(atPath: file.path) {
                do throws(FileError) {
                    // Another process has made it in the meantime.
                    return try mapped()
                } catch {
                    observer(.damaged(error))
                }
            }
            removeLeftovers()
            let begin = ContinuousClock.now
            try PreparedBlocks.write(to: file, of: source, digest: digest, as: type)
            observer(
                .made(
                    file: file.path, bytes: PreparedBlocks.bytes(source.hyperparameters, as: type),
                    seconds: (ContinuousClock.now - begin) / .seconds(1)))
            return try mapped()
        }
    }

    /// What a process has left behind that was killed while it wrote the file. Nobody else writes it now.
    private func removeLeftovers() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for leftover in names where leftover.hasPrefix(".\(name).") && leftover.hasSuffix(".partial") {
            unlink(folder.appendingPathComponent(leftover).path)
        }
    }
}
