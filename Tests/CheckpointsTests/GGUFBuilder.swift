import Foundation

/// Makes GGUF files of any badness, field by field.
struct GGUFBuilder {
    var version: UInt32 = 3
    var tensorCount: UInt64?
    var pairCount: UInt64?
    var pairs: [Data] = []
    var tensors: [Data] = []
    var dataBytes = 256

    static func number(_ value: some FixedWidthInteger) -> Data { withUnsafeBytes(of: value.littleEndian) { Data($0) } }
    static func text(_ text: String) -> Data { number(UInt64(text.utf8.count)) + Data(text.utf8) }

    mutating func pair(_ key: String, type: UInt32, _ value: Data) {
        pairs.append(Self.text(key) + Self.number(type) + value)
    }

    mutating func pair(_ key: String, _ value: String) { pair(key, type: 8, Self.text(value)) }
    mutating func pair(_ key: String, _ value: UInt32) { pair(key, type: 4, Self.number(value)) }

    /// Dimensions are given innermost first, as the file has them.
    mutating func tensor(_ name: String, _ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) {
        let extents = dimensions.map(Self.number).reduce(Data(), +)
        tensors.append(
            Self.text(name) + Self.number(UInt32(dimensions.count)) + extents + Self.number(type) + Self.number(offset))
    }

    var bytes: Data {
        var bytes = Data("GGUF".utf8) + Self.number(version) + Self.number(tensorCount ?? UInt64(tensors.count))
        bytes += Self.number(pairCount ?? UInt64(pairs.count))
        for part in pairs + tensors { bytes += part }
        bytes += Data(count: (32 - bytes.count % 32) % 32)
        return bytes + Data(count: dataBytes)
    }
}
