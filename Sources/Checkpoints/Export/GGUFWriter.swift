import Foundation

extension GGUFFile {
    /// Where the data begins and each tensor in it: at a multiple of this many bytes.
    private static let writtenAlignment = 32

    /// Writes a file of version 3 with tensors in F32. The file is whole or not there.
    ///
    /// - Parameters:
    ///   - metadata: keys and values in the order of the file; numbers take the narrowest of the usual types that holds
    ///     them: u32, i32 or f32, else the same of 64 bits.
    ///   - tensors: names and dimensions, outermost first, in the order of the file.
    ///   - values: appends the values of the tensor of that name, row by row.
    /// - Throws: `GGUFError.malformed` for a list of mixed kinds, `SafetensorsError.unfittingValues`,
    ///   `FileError.unwritable`, or what the closure throws.
    public static func write(
        metadata: [(key: String, value: GGUFValue)], tensors: [(name: String, shape: [Int])], to url: URL,
        values: (String, inout FileSink) throws -> Void
    ) throws {
        var header = GGUFBytes()
        header.append(Data("GGUF".utf8))
        header.append(UInt32(3))
        header.append(UInt64(tensors.count))
        header.append(UInt64(metadata.count))
        for (key, value) in metadata {
            header.append(key)
            guard header.appendTyped(value) else {
                throw GGUFError.malformed(file: url.path, place: "metadata \(key)", reason: "a list of mixed kinds")
            }
        }
        var offset = 0
        for (name, shape) in tensors {
            header.append(name)
            header.append(UInt32(shape.count))
            for extent in shape.reversed() { header.append(UInt64(extent)) }
            header.append(BlockQuantization.f32.rawValue)
            header.append(UInt64(offset))
            offset += aligned(shape.reduce(4, *))
        }
        header.pad(to: aligned(header.data.count))
        _ = try WholeFile.write(
            to: url,
            streaming: { sink in
                sink.append(header.data)
                for (name, shape) in tensors {
                    try sink.append(name, shape: shape, values)
                    let bytes = shape.reduce(4, *)
                    sink.append(Data(count: aligned(bytes) - bytes))
                }
            })
    }

    private static func aligned(_ bytes: Int) -> Int {
        (bytes + writtenAlignment - 1) / writtenAlignment * writtenAlignment
    }
}

/// The bytes of a GGUF header under way.
private struct GGUFBytes {
    private(set) var data = Data()

    mutating func append(_ bytes: Data) { data += bytes }

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { data.append(contentsOf: $0) }
    }

    mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        data.append(contentsOf: text.utf8)
    }

    mutating func pad(to count: Int) { data.append(Data(count: count - data.count)) }

    /// The type's number, then the value; false when a list has no type.
    mutating func appendTyped(_ value: GGUFValue) -> Bool {
        append(value.type.rawValue)
        return append(value, as: value.type)
    }

    private mutating func append(_ value: GGUFValue, as type: GGUFValueType) -> Bool {
        switch value {
        case .unsigned(let number) where type == .uint32: append(UInt32(truncatingIfNeeded: number))
        case .unsigned(let number): append(number)
        case .signed(let number) where type == .int32: append(Int32(truncatingIfNeeded: number))
        case .signed(let number): append(number)
        case .real(let number) where type == .float32: append(Float(number).bitPattern)
        case .real(let number): append(number.bitPattern)
        case .flag(let flag): append(UInt8(flag ? 1 : 0))
        case .text(let text): append(text)
        case .list(let elements): return appendList(elements)
        }
        return true
    }

    /// The elements' type, their number, and each of them; an empty list is one of texts.
    private mutating func appendList(_ elements: [GGUFValue]) -> Bool {
        guard Set(elements.map(\.kind)).count <= 1 else { return false }
        // Numbers of two widths share the wider one, which has the greater number.
        let type = elements.map(\.type).max { $0.rawValue < $1.rawValue } ?? .string
        append(type.rawValue)
        append(UInt64(elements.count))
        return elements.allSatisfy { append($0, as: type) }
    }
}

extension GGUFValue {
    /// The narrowest of the usual types that holds the value.
    fileprivate var type: GGUFValueType {
        switch self {
        case .unsigned(let value): value <= UInt32.max ? .uint32 : .uint64
        case .signed(let value): Int32(exactly: value) != nil ? .int32 : .int64
        case .real(let value): Double(Float(value)) == value || value.isNaN ? .float32 : .float64
        case .flag: .bool
        case .text: .string
        case .list: .array
        }
    }

    /// Which of the cases it is.
    fileprivate var kind: Int {
        switch self {
        case .unsigned: 0
        case .signed: 1
        case .real: 2
        case .flag: 3
        case .text: 4
        case .list: 5
        }
    }
}
