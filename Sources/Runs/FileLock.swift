import Checkpoints
import Foundation

/// A lock between processes, which ends with the process that holds it, however that ends.
enum FileLock {
    /// Runs a body while no other process holds the lock.
    ///
    /// - Parameter url: an empty file, made if need be.
    /// - Throws: `FileError.unwritable` when there can be no lock, or what the body throws.
    static func holding<Result>(_ url: URL, _ body: () throws -> Result) throws -> Result {
        let descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw unwritable(url) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw unwritable(url) }
        }
        return try body()
    }

    private static func unwritable(_ url: URL) -> FileError {
        .unwritable(file: url.path, reason: String(cString: strerror(errno)))
    }
}
