import Foundation

/// Writes files so that a reader finds the old content or the new one, never a part.
public enum WholeFile {
    /// Writes the parts one after another under a temporary name in the same folder, syncs, then renames.
    ///
    /// - Throws: `FileError.unwritable`; the temporary file is removed and the old content stays.
    @discardableResult
    public static func write(_ parts: [Data], to url: URL) throws(FileError) -> FileDigest {
        try write(to: url) { sink in
            for part in parts { sink.append(part) }
        }
    }

    /// Writes what the body appends, which need never be in memory as a whole.
    ///
    /// - Throws: what the body throws, or `FileError.unwritable`; then the old content stays.
    static func write(to url: URL, streaming body: (inout FileSink) throws -> Void) throws -> FileDigest {
        var failure: (any Error)?
        do throws(FileError) {
            return try write(to: url) { sink in
                do {
                    try body(&sink)
                } catch {
                    failure = error
                    sink.abandon()
                }
            }
        } catch {
            throw failure ?? error
        }
    }

    private static func write(to url: URL, _ body: (inout FileSink) -> Void) throws(FileError) -> FileDigest {
        let aside = url.deletingLastPathComponent()
            .appendingPathComponent(".\(url.lastPathComponent).\(UUID().uuidString).partial").path
        let descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw unwritable(url) }
        var sink = FileSink(descriptor: descriptor, path: url.path)
        body(&sink)
        sink.sync()
        var failure = sink.failure
        if close(descriptor) != 0, failure == nil { failure = unwritable(url) }
        if failure == nil, rename(aside, url.path) != 0 { failure = unwritable(url) }
        if let failure {
            unlink(aside)
            throw failure
        }
        sync(folder: url.deletingLastPathComponent())
        return sink.digest
    }

    /// Makes the names in a folder durable. Some file systems refuse to sync a folder; its files are whole either way.
    static func sync(folder: URL) {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func unwritable(_ url: URL) -> FileError { .unwritable(file: url.path, reason: systemReason()) }
}
