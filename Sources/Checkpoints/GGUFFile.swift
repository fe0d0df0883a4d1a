import Foundation
import Tensors

/// A GGUF file of version 3, little-endian, mapped read-only.
///
/// Opening it checks every count, length, type and offset; what passed can be read without a further check.
public final class GGUFFile: Sendable {
    /// The file's path, for messages.
    public let path: String
    /// What the header says about the model.
    public let metadata: [String: GGUFValue]
    /// What the file holds, by the file's own names.
    public let tensors: [String: GGUFTensor]

    private let mapping: MappedFile

    /// Maps the file and checks its header.
    ///
    /// - Throws: `FileError` when it cannot be mapped, `GGUFError` when it is damaged or not supported.
    public init(_ url: URL) throws {
        mapping = try MappedFile(url)
        path = mapping.path
        var reader = GGUFReader(mapping.bytes, file: path)
        let (tensorCount, pairCount) = try Self.readPreamble(&reader)
        metadata = try Self.readMetadata(&reader, count: pairCount)
        let relative = try reader.tensors(tensorCount)
        let begin = try Self.dataBegin(after: reader.offset, metadata, path)
        let placed = try Self.place(relative, from: begin.offset, begin.alignment, size: mapping.bytes.count, path)
        tensors = Dictionary(uniqueKeysWithValues: placed.map { ($0.name, $0) })
    }

    /// Dequantises rows of a tensor of this file.
    ///
    /// - Parameters:
    ///   - rows: indices along all dimensions but the innermost, within the tensor's bounds.
    ///   - matrix: one row for each index, of the tensor's innermost dimension.
    func read(rows: some Collection<Int>, of tensor: GGUFTensor, into matrix: Matrix) {
        precondition(rows.count == matrix.rows && tensor.columns == matrix.columns)
        guard let data = mapping.bytes.baseAddress else { return }
        let blocks = tensor.columns / tensor.format.weightsPerBlock
        for (target, row) in rows.enumerated() {
            let source = data + tensor.offset + row * tensor.bytesPerRow
            tensor.format.dequantise(source, blocks: blocks, into: matrix.base + target * matrix.stride)
        }
    }

    /// The same of few rows, of which nothing stays in memory.
    ///
    /// - Throws: `FileError.unreadable`.
    func readRows(_ rows: [Int], of tensor: GGUFTensor, into matrix: Matrix) throws(FileError) {
        precondition(rows.count == matrix.rows && tensor.columns == matrix.columns)
        let blocks = tensor.columns / tensor.format.weightsPerBlock
        try mapping.readRows(rows, from: tensor.offset, bytesPerRow: tensor.bytesPerRow) { target, row in
            tensor.format.dequantise(row, blocks: blocks, into: matrix.base + target * matrix.stride)
        }
    }

    /// Gives the resident pages of the mapping back to the system.
    public func releasePages() { mapping.releasePages() }

    private static func readPreamble(
        _ reader: inout GGUFReader
    ) throws(GGUFError) -> (tensors: UInt64, pairs: UInt64) {
        let magic = try reader.integer(UInt32.self, for: "the first bytes")
        guard magic == 0x4655_4747 else { throw .notGGUF(file: reader.file) }
        let version = try reader.integer(UInt32.self, for: "the version")
        guard version == 3 else { throw .unsupportedVersion(file: reader.file, version: version) }
        let tensors = try reader.integer(UInt64.self, for: "the number of tensors")
        return (tensors, try reader.integer(UInt64.self, for: "the number of metadata"))
    }

    private static func readMetadata(
        _ reader: inout GGUFReader, count: UInt64
    ) throws(GGUFError) -> [String: GGUFValue] {
        var metadata: [String: GGUFValue] = [:]
        // Every pair takes bytes, so a lying count runs into the end of the file, and nothing is reserved for it.
        var index: UInt64 = 0
        while index < count {
            let key = try reader.string(for: "the key of metadata \(index)")
            try reader.reservePair(key)
            let value = try reader.value(for: key)
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw .malformed(file: reader.file, place: "metadata \(key)", reason: "the key occurs twice")
            }
            index += 1
        }
        return metadata
    }

    /// Where the tensors' bytes begin: after the header, at the next multiple of the alignment.
    private static func dataBegin(
        after header: Int, _ metadata: [String: GGUFValue], _ path: String
    ) throws(GGUFError) -> (offset: Int, alignment: Int) {
        let key = "general.alignment"
        guard let value = metadata[key] else { return ((header + 31) / 32 * 32, 32) }
        guard let alignment = value.integer, (8...1 << 20).contains(alignment), alignment.nonzeroBitCount == 1 else {
            throw .wrongValue(file: path, key: key, expected: "a power of two from 8 to \(1 << 20)")
        }
        return ((header + alignment - 1) / alignment * alignment, alignment)
    }

    /// Turns offsets from the data's begin into offsets from the file's; checks that every tensor is aligned, ends
    /// within the file, and shares no byte with another.
    private static func place(
        _ tensors: [GGUFTensor], from begin: Int, _ alignment: Int, size: Int, _ path: String
    ) throws(GGUFError) -> [GGUFTensor] {
        var end = begin
        var placed: [GGUFTensor] = []
        for tensor in tensors.sorted(by: { $0.offset < $1.offset }) {
            guard tensor.offset % alignment == 0 else {
                throw .malformed(
                    file: path, place: "tensor \(tensor.name)", reason: "its offset is no multiple of the alignment")
            }
            let (start, startOverflow) = begin.addingReportingOverflow(tensor.offset)
            let (stop, stopOverflow) = start.addingReportingOverflow(tensor.byteCount)
            guard !startOverflow, !stopOverflow else {
                throw .malformed(file: path, place: "tensor \(tensor.name)", reason: "its offset overflows")
            }
            guard stop <= size else {
                throw .truncated(file: path, place: "tensor \(tensor.name)", missingBytes: UInt64(stop - size))
            }
            guard start >= end else {
                throw .malformed(file: path, place: "tensor \(tensor.name)", reason: "it overlaps another tensor")
            }
            end = stop
            placed.append(
                GGUFTensor(
                    name: tensor.name, shape: tensor.shape, format: tensor.format, offset: start,
                    byteCount: tensor.byteCount))
        }
        return placed
    }
}
