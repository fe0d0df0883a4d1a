import Diagnostics
import Foundation

/// The size of a file and the XXH64 hash of its bytes: enough to find damage.
public struct FileDigest: Sendable, Equatable, CustomStringConvertible {
    /// How many bytes there are.
    public let bytes: Int
    /// XXH64 with seed 0.
    public let xxh64: UInt64

    /// Read at a time, so that a large file needs little memory.
    private static let chunkBytes = 1 << 20

    init(bytes: Int, xxh64: UInt64) {
        self.bytes = bytes
        self.xxh64 = xxh64
    }

    init(of data: Data) {
        self.init(bytes: data.count, xxh64: data.withUnsafeBytes(XXH64.hash))
    }

    /// Reads a whole file.
    ///
    /// - Throws: what `FileHandle` throws when it cannot be read.
    init(contentsOf url: URL) throws {
        let handle = try FileHandle(forReadingFrom: url)
        defer { try? handle.close() }
        var hash = XXH64()
        var bytes = 0
        while let chunk = try handle.read(upToCount: Self.chunkBytes), !chunk.isEmpty {
            chunk.withUnsafeBytes { hash.update($0) }
            bytes += chunk.count
        }
        self.init(bytes: bytes, xxh64: hash.value)
    }

    /// The size and sixteen hexadecimal digits.
    public var description: String { "\(bytes) \(xxh64.hexadecimal)" }
}
