import Foundation

/// A lock on a folder that ends with the process, however it ends. Many may look at a store, one may change it.
final class FolderLock: Sendable {
    /// A process that is being started has a copy of the lock of whoever starts it, for a moment.
    private static let attempts = 20
    private static let pauseMicroseconds: UInt32 = 10_000
    /// Whoever only looks is done soon: it is waited for 20 s.
    private static let attemptsBesideReaders = 2000

    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// - Returns: nil while another holds a lock that does not go with this one, and does not seem to end soon.
    /// - Throws: `StoreError.unreadable`.
    static func take(_ folder: String, exclusively: Bool) throws(StoreError) -> FolderLock? {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: folder, reason: String(cString: strerror(errno))) }
        var beside = (writer: 0, readers: 0)
        while beside.writer < attempts, beside.readers < attemptsBesideReaders {
            if flock(descriptor, (exclusively ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 { return FolderLock(descriptor) }
            if exclusively, flock(descriptor, LOCK_SH | LOCK_NB) == 0 {
                flock(descriptor, LOCK_UN)
                beside.readers += 1
            } else {
                beside.writer += 1
            }
            usleep(pauseMicroseconds)
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
