import Foundation

/// A whole file mapped read-only into memory. Its bytes never change and stay valid as long as the object lives.
///
/// A file that another process cuts short while it is mapped raises a signal on access, as with every mapping: model
/// files are replaced by renaming, never rewritten in place.
final class MappedFile: @unchecked Sendable {
    let path: String
    let bytes: UnsafeRawBufferPointer

    /// - Throws: `FileError.unreadable`.
    init(_ url: URL) throws(FileError) {
        path = url.path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError.unreadable(file: path, reason: systemReason()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError.unreadable(file: path, reason: systemReason()) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError.unreadable(file: path, reason: "it is not a regular file")
        }
        let size = Int(status.st_size)
        // A mapping of no bytes is refused by the system, but an empty file deserves the reader's own message.
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let mapping = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let mapping, Int(bitPattern: mapping) != -1 else {
            throw FileError.unreadable(file: path, reason: systemReason())
        }
        bytes = UnsafeRawBufferPointer(start: mapping, count: size)
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }

    /// A copy of all bytes. To copy `bytes` from outside would not keep the mapping alive for as long as it takes.
    var data: Data { withExtendedLifetime(self) { Data(bytes) } }

    /// Gives the resident pages back to the system. The next access reads them from the file again.
    func releasePages() {
        if let start = bytes.baseAddress {
            madvise(UnsafeMutableRawPointer(mutating: start), bytes.count, Int32(MADV_DONTNEED))
        }
    }
}

/// The system's words for the last failed call.
func systemReason() -> String { String(cString: strerror(errno)) }
