import Diagnostics
import Foundation

/// Writes folders so that a reader finds the whole folder or none.
public enum WholeFolder {
    /// Lets the body fill a folder under a temporary name beside the one that is meant, then renames it.
    ///
    /// - Throws: what the body throws, or `FileError.unwritable`; then nothing stays.
    public static func write(to url: URL, _ body: (URL) throws -> Void) throws {
        let aside = url.deletingLastPathComponent()
            .appendingPathComponent(".\(url.lastPathComponent).\(UUID().uuidString).partial")
        do {
            try FileManager.default.createDirectory(at: aside, withIntermediateDirectories: false)
        } catch {
            throw FileError.unwritable(file: url.path, reason: systemReason(of: error))
        }
        do {
            try body(aside)
            guard rename(aside.path, url.path) == 0 else {
                throw FileError.unwritable(file: url.path, reason: systemReason())
            }
        } catch {
            try? FileManager.default.removeItem(at: aside)
            // The temporary name says nothing to a user.
            guard case FileError.unwritable(let file, let reason) = error else { throw error }
            throw FileError.unwritable(file: file.replacingOccurrences(of: aside.path, with: url.path), reason: reason)
        }
        WholeFile.sync(folder: url.deletingLastPathComponent())
    }
}
