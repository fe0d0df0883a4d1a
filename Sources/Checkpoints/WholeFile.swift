import Foundation

/// Writes files so that a reader finds the old content or the new one, never a part.
public enum WholeFile {
    /// Writes the parts one after another under a temporary name in the same folder, syncs, then renames.
    ///
    /// - Throws: `FileError.unwritable`; the temporary file is removed and the old content stays.
    public static func write(_ parts: [Data], to url: URL) throws(FileError) {
        let aside = url.deletingLastPathComponent()
            .appendingPathComponent(".\(url.lastPathComponent).\(UUID().uuidString).partial").path
        let descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError.unwritable(file: url.path, reason: systemReason()) }
        var failure: String?
        if !parts.allSatisfy({ append($0, to: descriptor) }) || fsync(descriptor) != 0 { failure = systemReason() }
        if close(descriptor) != 0, failure == nil { failure = systemReason() }
        if failure == nil, rename(aside, url.path) != 0 { failure = systemReason() }
        if let failure {
            unlink(aside)
            throw FileError.unwritable(file: url.path, reason: failure)
        }
        syncFolder(of: url)
    }

    private static func append(_ data: Data, to descriptor: Int32) -> Bool {
        data.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress
                let written = Foundation.write(descriptor, start, rest.count)
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else { return false }
                rest = rest.dropFirst(written)
            }
            return true
        }
    }

    /// Makes the rename itself durable. Some file systems refuse to sync a folder; the file is whole either way.
    private static func syncFolder(of url: URL) {
        let descriptor = open(url.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
