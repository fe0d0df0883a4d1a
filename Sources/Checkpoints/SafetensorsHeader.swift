import Foundation

/// The types of the safetensors format.
enum SafetensorsType: String {
    case bool = "BOOL"
    case u8 = "U8"
    case i8 = "I8"
    case f8e4m3 = "F8_E4M3"
    case f8e5m2 = "F8_E5M2"
    case u16 = "U16"
    case i16 = "I16"
    case f16 = "F16"
    case bf16 = "BF16"
    case u32 = "U32"
    case i32 = "I32"
    case f32 = "F32"
    case u64 = "U64"
    case i64 = "I64"
    case f64 = "F64"

    var bytes: Int {
        switch self {
        case .bool, .u8, .i8, .f8e4m3, .f8e5m2: 1
        case .u16, .i16, .f16, .bf16: 2
        case .u32, .i32, .f32: 4
        case .u64, .i64, .f64: 8
        }
    }

    /// The block format that reads this type as floats, if any does.
    var format: BlockQuantization? {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        default: nil
        }
    }
}

/// A tensor as the header describes it.
struct SafetensorsEntry: Decodable {
    let type: String
    let shape: [Int]
    /// The first byte and the one after the last, from the data's begin.
    let range: [Int]

    enum CodingKeys: String, CodingKey {
        case type = "dtype"
        case shape
        case range = "data_offsets"
    }
}

/// The header's JSON object: tensors by name, and optionally a map of texts.
struct SafetensorsHeader: Decodable {
    static let metadataKey = "__metadata__"

    let entries: [String: SafetensorsEntry]
    let metadata: [String: String]

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        var entries: [String: SafetensorsEntry] = [:]
        for key in container.allKeys where key.stringValue != Self.metadataKey {
            entries[key.stringValue] = try container.decode(SafetensorsEntry.self, forKey: key)
        }
        self.entries = entries
        let metadataName = Name(stringValue: Self.metadataKey)
        metadata = try container.decodeIfPresent([String: String].self, forKey: metadataName) ?? [:]
    }
}
