import Foundation

/// The floats of a tensor and its dimensions, outermost first.
public struct SafetensorsTensor: Sendable, Equatable {
    /// Dimensions, outermost first.
    public let shape: [Int]
    /// The floats, row by row.
    public let values: [Float]

    /// - Parameters:
    ///   - shape: dimensions, outermost first; their product is the number of values.
    ///   - values: the floats, row by row.
    public init(shape: [Int], values: [Float]) {
        self.shape = shape
        self.values = values
    }
}

extension SafetensorsFile {
    /// Writes tensors as F32 in the order of their names, with a map of texts. The file is whole or not there.
    ///
    /// - Throws: `SafetensorsError.unfittingValues`, `FileError.unwritable`.
    public static func write(
        _ tensors: [String: SafetensorsTensor], metadata: [String: String] = [:], to url: URL
    ) throws {
        var header: [String: HeaderValue] = metadata.isEmpty ? [:] : [SafetensorsHeader.metadataKey: .texts(metadata)]
        var parts: [Data] = []
        var end = 0
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            guard tensor.shape.allSatisfy({ $0 >= 0 }), tensor.shape.reduce(1, *) == tensor.values.count else {
                throw SafetensorsError.unfittingValues(
                    tensor: name, shape: tensor.shape, count: tensor.values.count)
            }
            let data = littleEndianBytes(tensor.values)
            header[name] = .tensor(shape: tensor.shape, range: [end, end + data.count])
            end += data.count
            parts.append(data)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var json = try encoder.encode(header)
        // Spaces up to a multiple of eight keep the data aligned for readers that map it.
        json.append(Data(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
        let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
        try WholeFile.write([length, json] + parts, to: url)
    }

    private static func littleEndianBytes(_ values: [Float]) -> Data {
        values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
    }
}

/// A value of the header's JSON object.
private enum HeaderValue: Encodable {
    case texts([String: String])
    case tensor(shape: [Int], range: [Int])

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .texts(let texts): try texts.encode(to: encoder)
        case .tensor(let shape, let range):
            var container = encoder.container(keyedBy: SafetensorsEntry.CodingKeys.self)
            try container.encode(SafetensorsType.f32.rawValue, forKey: .type)
            try container.encode(shape, forKey: .shape)
            try container.encode(range, forKey: .range)
        }
    }
}
