import Diagnostics
import Foundation
import Tensors

/// Equally large runs of floats in a file that is mapped read-only: they are used where they lie, so that processes which
/// map the same file share its memory, and of a run that nobody asks for no page is touched.
///
/// The file is a header of one page, the runs, each from the begin of a page on, and the XXH64 of each and of the header.
/// Its numbers are little-endian, as those of every machine that this runs on.
public struct PreparedFile: Sendable {
    private static let pageBytes = 4096
    private static let digestBytes = MemoryLayout<UInt64>.stride

    private let mapping: MappedFile
    private let shape: Shape
    private let digests: [UInt64]

    /// What a file must be, to the byte.
    public struct Shape: Sendable, Equatable {
        /// Says of what the runs are made, and how, in less than a page.
        public var identity: String
        /// How many runs there are.
        public var runs: Int
        /// Floats of each.
        public var floats: Int

        /// A file's shape.
        public init(identity: String, runs: Int, floats: Int) {
            self.identity = identity
            self.runs = runs
            self.floats = floats
        }

        fileprivate var header: Data {
            let text = "permafrost prepared 1\n\(runs) runs of \(floats) floats\n\(identity)\n"
            var header = Data(text.utf8.prefix(pageBytes))
            header.append(Data(count: pageBytes - header.count))
            return header
        }

        fileprivate var runBytes: Int { floats * MemoryLayout<Float>.stride }
        /// Bytes from one run to the next.
        fileprivate var stride: Int { (runBytes + pageBytes - 1) / pageBytes * pageBytes }
        fileprivate var digestsBegin: Int { pageBytes + runs * stride }
        /// Bytes of the file.
        public var bytes: Int { digestsBegin + (runs + 1) * PreparedFile.digestBytes }
    }

    /// Maps a file and checks everything but the runs themselves.
    ///
    /// - Throws: `FileError.unreadable`.
    public init(_ url: URL, shape: Shape) throws(FileError) {
        mapping = try MappedFile(url)
        self.shape = shape
        let bytes = mapping.bytes
        guard bytes.count == shape.bytes else {
            throw .unreadable(file: url.path, reason: "it has \(bytes.count) bytes and should have \(shape.bytes)")
        }
        let header = shape.header
        guard header.elementsEqual(bytes[..<header.count]) else {
            throw .unreadable(file: url.path, reason: "it was made of something else, or by another version")
        }
        let digests = (0...shape.runs).map { index in
            bytes.loadUnaligned(fromByteOffset: shape.digestsBegin + index * Self.digestBytes, as: UInt64.self)
        }
        self.digests = digests
        guard Self.digest(of: digests.dropLast(), header) == digests[shape.runs] else {
            throw .unreadable(file: url.path, reason: "its list of checksums is damaged")
        }
    }

    /// A run, checked against its checksum. It must not be written to.
    ///
    /// - Throws: `FileError.unreadable` when it is damaged.
    public func run(_ index: Int) throws(FileError) -> Storage {
        let begin = Self.pageBytes + index * shape.stride
        let bytes = UnsafeRawBufferPointer(rebasing: mapping.bytes[begin..<begin + shape.runBytes])
        guard XXH64.hash(bytes) == digests[index] else {
            throw .unreadable(
                file: mapping.path, reason: "part \(index + 1) of \(shape.runs) does not match its checksum")
        }
        return Storage(viewing: bytes, owner: mapping)
    }

    /// Writes a file, one run in memory at a time. A reader finds the old content or the new one, never a part.
    ///
    /// - Parameter run: makes a run of `floats`.
    /// - Throws: what `run` throws, or `FileError.unwritable`.
    public static func write(to url: URL, shape: Shape, run: (Int) throws -> Storage) throws {
        _ = try WholeFile.write(to: url) { sink in
            let header = shape.header
            sink.append(header)
            var digests: [UInt64] = []
            for index in 0..<shape.runs where sink.failure == nil {
                let memory = try run(index)
                precondition(memory.count == shape.floats, "a run has \(memory.count) floats, not \(shape.floats)")
                digests.append(XXH64.hash(memory.rawBytes))
                sink.append(memory.rawBytes)
                sink.append(Data(count: shape.stride - shape.runBytes))
            }
            digests.append(digest(of: digests[...], header))
            digests.withUnsafeBytes { sink.append($0) }
        }
    }

    private static func digest(of digests: ArraySlice<UInt64>, _ header: Data) -> UInt64 {
        var hash = XXH64()
        header.withUnsafeBytes { hash.update($0) }
        digests.withUnsafeBytes { hash.update($0) }
        return hash.value
    }
}
