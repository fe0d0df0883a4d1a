import Foundation

/// A whole file mapped read-only into memory. Its bytes never change and stay valid as long as the object lives.
///
/// A file that another process cuts short while it is mapped raises a signal on access, as with every mapping: model
/// files are replaced by renaming, never rewritten in place.
final class MappedFile: @unchecked Sendable {
    let path: String
    let bytes: UnsafeRawBufferPointer
    private let descriptor: Int32

    /// - Throws: `FileError.unreadable`.
    init(_ url: URL) throws(FileError) {
        path = url.path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError.unreadable(file: path, reason: systemReason()) }
        do throws(FileError) {
            bytes = try Self.map(descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    private static func map(_ descriptor: Int32, _ path: String) throws(FileError) -> UnsafeRawBufferPointer {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError.unreadable(file: path, reason: systemReason()) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError.unreadable(file: path, reason: "it is not a regular file")
        }
        let size = Int(status.st_size)
        // A mapping of no bytes is refused by the system, but an empty file deserves the reader's own message.
        guard size > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let mapping = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let mapping, Int(bitPattern: mapping) != -1 else {
            throw FileError.unreadable(file: path, reason: systemReason())
        }
        return UnsafeRawBufferPointer(start: mapping, count: size)
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
        close(descriptor)
    }

    /// A copy of all bytes. To copy `bytes` from outside would not keep the mapping alive for as long as it takes.
    var data: Data { withExtendedLifetime(self) { Data(bytes) } }

    /// Calls `body` with each of some rows of equal length, which are read and not looked up in the mapping: the system
    /// would map 64 KiB around every one of them.
    ///
    /// - Parameters:
    ///   - rows: indices of rows that lie within the file; those that follow each other are read at once.
    ///   - offset: where the first row of all begins.
    ///   - body: gets a row's place among `rows`, and its bytes for as long as the call lasts.
    /// - Throws: `FileError.unreadable`, also when the file has become shorter than it was.
    func readRows(
        _ rows: [Int], from offset: Int, bytesPerRow: Int, _ body: (_ place: Int, UnsafeRawPointer) -> Void
    ) throws(FileError) {
        let rowsAtOnce = max(1, Self.bytesAtOnce / max(1, bytesPerRow))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: rowsAtOnce * bytesPerRow, alignment: 64)
        defer { buffer.deallocate() }
        guard let start = buffer.baseAddress else { return }
        var place = 0
        while place < rows.count {
            var end = place + 1
            while end < rows.count, end - place < rowsAtOnce, rows[end] == rows[end - 1] + 1 { end += 1 }
            try read((end - place) * bytesPerRow, at: offset + rows[place] * bytesPerRow, into: start)
            for row in place..<end { body(row, start + (row - place) * bytesPerRow) }
            place = end
        }
    }

    /// What is read at once of rows that follow each other.
    private static let bytesAtOnce = 64 << 10

    private func read(_ count: Int, at offset: Int, into buffer: UnsafeMutableRawPointer) throws(FileError) {
        var done = 0
        while done < count {
            let found = pread(descriptor, buffer + done, count - done, off_t(offset + done))
            if found < 0, errno == EINTR { continue }
            guard found > 0 else {
                let reason = found < 0 ? systemReason() : "it has become shorter than it was"
                throw .unreadable(file: path, reason: reason)
            }
            done += found
        }
    }

    /// Gives the resident pages back to the system. The next access reads them from the file again.
    func releasePages() {
        if let start = bytes.baseAddress {
            madvise(UnsafeMutableRawPointer(mutating: start), bytes.count, Int32(MADV_DONTNEED))
        }
    }
}

/// The system's words for the last failed call.
func systemReason() -> String { String(cString: strerror(errno)) }
