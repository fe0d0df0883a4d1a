import Diagnostics
import Foundation
import Tensors

/// A safetensors file, mapped read-only, of which every offset, type and shape was checked.
public final class SafetensorsFile: Sendable {
    /// The file's path, for messages.
    public let path: String
    /// Each tensor's dimensions, outermost first.
    public let shapes: [String: [Int]]
    /// The texts that the writer left in the header.
    public let metadata: [String: String]

    private struct Place {
        let type: SafetensorsType
        let offset: Int
        let count: Int
    }

    private let places: [String: Place]
    private let mapping: MappedFile

    /// The longest header that is read, in bytes: 20,000 tensors, and more in files that hold more. The format allows
    /// 100 MB, but decoded JSON takes up to thirty times its bytes, which a small file could not account for.
    private static func maximumHeaderBytes(of size: Int) -> UInt64 {
        min(100_000_000, UInt64(1 << 21) + UInt64(size) / 32)
    }

    /// Maps the file and checks its header.
    ///
    /// - Throws: `FileError` when it cannot be mapped, `SafetensorsError` when it is damaged.
    public init(_ url: URL) throws {
        mapping = try MappedFile(url)
        path = mapping.path
        let (header, begin) = try Self.readHeader(mapping.bytes, path)
        metadata = header.metadata
        shapes = header.entries.mapValues(\.shape)
        places = try Self.place(header.entries, from: begin, size: mapping.bytes.count, path)
    }

    /// Reads a tensor as floats. One of one dimension fills a matrix of one row; one of more than two dimensions has
    /// all but its innermost dimension as rows.
    ///
    /// - Throws: `SafetensorsError` when there is no such tensor, the matrix has another shape, or the type is no
    ///   floating-point one of 16 or 32 bits.
    public func read(_ name: String, into matrix: Matrix) throws(SafetensorsError) {
        let (place, shape, format) = try find(name)
        guard matrix.count == place.count, matrix.columns == shape.last ?? 1 else {
            throw .wrongShape(file: path, tensor: name, found: shape, expected: [matrix.rows, matrix.columns])
        }
        guard let data = mapping.bytes.baseAddress else { return }
        for row in 0..<matrix.rows {
            let source = data + place.offset + row * matrix.columns * place.type.bytes
            format.dequantise(source, blocks: matrix.columns, into: matrix.base + row * matrix.stride)
        }
    }

    /// Reads some rows of a tensor as floats, in the order given, and touches no other.
    ///
    /// - Parameters:
    ///   - rows: indices along all dimensions but the innermost; repeats are fine.
    ///   - matrix: `rows.count` rows of the tensor's innermost dimension.
    /// - Throws: `SafetensorsError` as `read(_:into:)` does, and when there is no such row; `FileError.unreadable`.
    public func readRows(_ rows: [Int], of name: String, into matrix: Matrix) throws {
        let (place, shape, format) = try find(name)
        let columns = shape.last ?? 1
        let count = columns == 0 ? 0 : place.count / columns
        if let row = rows.first(where: { !(0..<count).contains($0) }) {
            throw SafetensorsError.rowOutside(file: path, tensor: name, row: row, rows: count)
        }
        guard matrix.rows == rows.count, matrix.columns == columns else {
            throw SafetensorsError.wrongShape(
                file: path, tensor: name, found: [rows.count, columns], expected: [matrix.rows, matrix.columns])
        }
        try mapping.readRows(rows, from: place.offset, bytesPerRow: columns * place.type.bytes) { target, row in
            format.dequantise(row, blocks: columns, into: matrix.base + target * matrix.stride)
        }
    }

    /// The values of a tensor as floats, row by row.
    ///
    /// - Throws: `SafetensorsError` as `read(_:into:)` does.
    public func values(_ name: String) throws(SafetensorsError) -> [Float] {
        let (place, _, format) = try find(name)
        return [Float](unsafeUninitializedCapacity: place.count) { buffer, initialised in
            if let target = buffer.baseAddress, let data = mapping.bytes.baseAddress {
                format.dequantise(data + place.offset, blocks: place.count, into: target)
            }
            initialised = place.count
        }
    }

    /// Checks that a tensor can be read as floats of a shape.
    ///
    /// - Throws: `SafetensorsError` as `read(_:into:)` does.
    func checkFloats(_ name: String, shape expected: [Int]) throws(SafetensorsError) {
        let (_, shape, _) = try find(name)
        guard shape == expected else {
            throw .wrongShape(file: path, tensor: name, found: shape, expected: expected)
        }
    }

    /// How each tensor is stored, and in how many bytes.
    var storage: [String: (type: String, bytes: Int)] {
        places.mapValues { ($0.type.rawValue, $0.count * $0.type.bytes) }
    }

    private func find(
        _ name: String
    ) throws(SafetensorsError) -> (place: Place, shape: [Int], format: BlockQuantization) {
        guard let place = places[name], let shape = shapes[name] else {
            throw .missingTensor(file: path, tensor: name)
        }
        guard let format = place.type.format else {
            throw .unsupportedType(file: path, tensor: name, type: place.type.rawValue)
        }
        return (place, shape, format)
    }

    /// Gives the resident pages of the mapping back to the system.
    public func releasePages() { mapping.releasePages() }

    private static func readHeader(
        _ bytes: UnsafeRawBufferPointer, _ path: String
    ) throws(SafetensorsError) -> (SafetensorsHeader, begin: Int) {
        guard bytes.count >= 8 else {
            throw .truncated(file: path, place: "the header's length", missingBytes: UInt64(8 - bytes.count))
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= maximumHeaderBytes(of: bytes.count) else {
            throw .malformed(file: path, place: "the header", reason: "a length of \(length) bytes is not allowed")
        }
        guard length <= UInt64(bytes.count - 8) else {
            throw .truncated(file: path, place: "the header", missingBytes: length - UInt64(bytes.count - 8))
        }
        let begin = 8 + Int(length)
        let header: SafetensorsHeader
        do {
            header = try CheckedJSON.decode(
                SafetensorsHeader.self, from: Data(bytes[8..<begin]), maximumBytes: Int(length))
        } catch {
            throw .malformed(file: path, place: "the header", reason: "it is not the JSON of a safetensors file")
        }
        return (header, begin)
    }

    /// Checks that the tensors fill the data exactly, one after another, each as long as its shape and type say.
    private static func place(
        _ entries: [String: SafetensorsEntry], from begin: Int, size: Int, _ path: String
    ) throws(SafetensorsError) -> [String: Place] {
        func malformed(_ name: String, _ reason: String) -> SafetensorsError {
            .malformed(file: path, place: "tensor \(name)", reason: reason)
        }
        for (name, entry) in entries {
            guard entry.range.count == 2, entry.range[0] >= 0, entry.range[0] <= entry.range[1] else {
                throw malformed(name, "\(entry.range) is no range of bytes")
            }
        }
        var places: [String: Place] = [:]
        var end = 0
        // Empty tensors come before the one that begins where they lie.
        for (name, entry) in entries.sorted(by: { $0.value.range.lexicographicallyPrecedes($1.value.range) }) {
            guard let type = SafetensorsType(rawValue: entry.type) else {
                throw .unsupportedType(file: path, tensor: name, type: entry.type)
            }
            guard let count = elementCount(entry.shape) else {
                throw malformed(name, "the shape \(entry.shape) is impossible")
            }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: type.bytes)
            guard !overflow, bytes == entry.range[1] - entry.range[0] else {
                throw malformed(name, "\(entry.range) does not hold the shape \(entry.shape) of \(entry.type)")
            }
            guard entry.range[0] == end else { throw malformed(name, "it does not begin where the last one ends") }
            end = entry.range[1]
            guard end <= size - begin else {
                throw .truncated(
                    file: path, place: "tensor \(name)", missingBytes: UInt64(end - (size - begin)))
            }
            places[name] = Place(type: type, offset: begin + entry.range[0], count: count)
        }
        guard end == size - begin else {
            throw .malformed(
                file: path, place: "the end", reason: "\(size - begin - end) bytes belong to no tensor")
        }
        return places
    }

    /// The product of the dimensions, or nil when one is negative or the product does not fit.
    static func elementCount(_ shape: [Int]) -> Int? {
        var product = 1
        for extent in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            guard !overflow, extent >= 0 else { return nil }
            product = next
        }
        return product
    }
}
