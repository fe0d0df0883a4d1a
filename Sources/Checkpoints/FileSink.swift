import Diagnostics
import Foundation
import Tensors

/// Takes the bytes of a file that is being written, one piece after another, and hashes them on the way.
///
/// The first failure is kept and later pieces are dropped, so that a writer need not ask after each.
public struct FileSink {
    private let descriptor: Int32
    private let path: String
    private var hash = XXH64()
    private var bytes = 0
    /// Floats appended so far.
    private(set) var floats = 0
    private(set) var failure: FileError?

    /// Floats that are converted at a time.
    private static let chunk = 1 << 16

    /// - Parameters:
    ///   - descriptor: open for writing; its owner closes it.
    ///   - path: for messages.
    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// What was written.
    var digest: FileDigest { FileDigest(bytes: bytes, xxh64: hash.value) }

    mutating func append(_ data: Data) { data.withUnsafeBytes { append($0) } }

    /// The elements of a matrix, row by row, as little-endian F32.
    public mutating func append(_ matrix: Matrix) {
        if matrix.isContiguous {
            append(UnsafeBufferPointer(start: matrix.base, count: matrix.count))
        } else {
            for row in 0..<matrix.rows {
                append(UnsafeBufferPointer(start: matrix.base + row * matrix.stride, count: matrix.columns))
            }
        }
    }

    /// Floats as little-endian F32.
    public mutating func append(_ values: [Float]) { values.withUnsafeBufferPointer { append($0) } }

    private mutating func append(_ floats: UnsafeBufferPointer<Float>) {
        self.floats += floats.count
        for start in stride(from: 0, to: floats.count, by: Self.chunk) {
            let part = floats[start..<min(start + Self.chunk, floats.count)]
            part.map { $0.bitPattern.littleEndian }.withUnsafeBytes { append($0) }
        }
    }

    /// Drops what is still to come: the file will not replace the old one.
    mutating func abandon() { failure = failure ?? .unwritable(file: path, reason: "its writer gave up") }

    /// Makes the bytes so far durable.
    mutating func sync() {
        if failure == nil, fsync(descriptor) != 0 { fail() }
    }

    /// Bytes as they are.
    mutating func append(_ piece: UnsafeRawBufferPointer) {
        guard failure == nil else { return }
        hash.update(piece)
        bytes += piece.count
        var rest = piece[...]
        while !rest.isEmpty {
            let written = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { return fail() }
            rest = rest.dropFirst(written)
        }
    }

    private mutating func fail() { failure = .unwritable(file: path, reason: systemReason()) }
}
