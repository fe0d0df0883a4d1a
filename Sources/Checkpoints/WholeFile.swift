import Foundation

/// Writes files so that a reader finds the old content or the new one, never a part.
public enum WholeFile {
    /// Writes the parts one after another under a temporary name in the same folder, syncs, then renames.
    ///
    /// - Throws: `FileError.unwritable`; the temporary file is removed and the old content stays.
    public static func write(_ parts: [Data], to url: URL) throws(FileError) {
        let aside = try FileAside(url)
        do throws(FileError) {
            for part in parts { try aside.append(part) }
            try aside.replaceTarget()
        } catch {
            aside.discard()
            throw error
        }
    }

    /// Writes what a closure appends, which need never be in memory as a whole.
    ///
    /// - Throws: what the closure throws, or `FileError.unwritable`; then the old content stays.
    public static func write(to url: URL, _ produce: (FileAside) throws -> Void) throws {
        let aside = try FileAside(url)
        do {
            try produce(aside)
            try aside.replaceTarget()
        } catch {
            aside.discard()
            throw error
        }
    }
}

/// A file under a temporary name beside the one that it is to replace.
public struct FileAside {
    private let url: URL
    private let path: String
    private let descriptor: Int32

    fileprivate init(_ url: URL) throws(FileError) {
        self.url = url
        path =
            url.deletingLastPathComponent()
            .appendingPathComponent(".\(url.lastPathComponent).\(UUID().uuidString).partial").path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError.unwritable(file: url.path, reason: systemReason()) }
    }

    /// Writes bytes after those that are there.
    ///
    /// - Throws: `FileError.unwritable`.
    public func append(_ data: Data) throws(FileError) {
        let isWritten = data.withUnsafeBytes { bytes in
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
        guard isWritten else { throw FileError.unwritable(file: url.path, reason: systemReason()) }
    }

    /// Writes floats, little-endian, after what is there.
    ///
    /// - Throws: `FileError.unwritable`.
    func append(_ floats: UnsafeBufferPointer<Float>) throws(FileError) {
        try append(floats.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) })
    }

    fileprivate func replaceTarget() throws(FileError) {
        guard fsync(descriptor) == 0, rename(path, url.path) == 0 else {
            throw FileError.unwritable(file: url.path, reason: systemReason())
        }
        close(descriptor)
        syncFolder()
    }

    fileprivate func discard() {
        close(descriptor)
        unlink(path)
    }

    /// Makes the rename itself durable. Some file systems refuse to sync a folder; the file is whole either way.
    private func syncFolder() {
        let descriptor = open(url.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
