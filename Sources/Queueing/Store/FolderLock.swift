import Foundation

/// A lock on a folder that ends with the process, however it ends. Many may look at a store, one may change it.
final class FolderLock: Sendable {
    /// A process that is being started has a copy of the lock of whoever starts it, for a moment.
    private static let attempts = 20

    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// - Returns: nil while another holds a lock that does not go with this one.
    /// - Throws: `StoreError.unreadable`.
    static func take(_ folder: String, exclusively: Bool) throws(StoreError) -> FolderLock? {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: folder, reason: String(cString: strerror(errno))) }
        for attempt in 1...attempts {
            if flock(descriptor, (exclusively ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 { return FolderLock(descriptor) }
            if attempt < attempts { usleep(10_000) }
        }
        close(descriptor)
        return nil
    }

    /// Makes sure that a folder's names survive a loss of power.
    ///
    /// - Throws: `StoreError.unreadable`.
    static func sync(_ folder: String) throws(StoreError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            throw .unreadable(path: folder, reason: String(cString: strerror(errno)))
        }
    }
}
