import Foundation
import Tensors

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
        try write(tensors.mapValues(\.shape), metadata: metadata, to: url) { name, sink in
            sink.append(tensors[name]?.values ?? [])
        }
    }

    /// Writes matrices as F32 tensors of a shape, dimensions outermost first, without holding a copy of one. They must
    /// not change meanwhile.
    ///
    /// - Returns: the size and hash of the file.
    /// - Throws: `SafetensorsError.unfittingValues`, `FileError.unwritable`.
    @discardableResult
    public static func write(
        matrices: [String: (shape: [Int], matrix: Matrix)], metadata: [String: String] = [:], to url: URL
    ) throws -> FileDigest {
        try write(matrices.mapValues(\.shape), metadata: metadata, to: url) { name, sink in
            if let matrix = matrices[name]?.matrix { sink.append(matrix) }
        }
    }

    /// Writes tensors as F32 in the order of their names, one after another, with a map of texts. The file is whole or
    /// not there.
    ///
    /// - Parameters:
    ///   - shapes: dimensions by name, outermost first.
    ///   - values: appends the values of the named tensor, row by row, in as many parts as it likes.
    /// - Returns: the size and hash of the file.
    /// - Throws: `SafetensorsError.unfittingValues`, `FileError.unwritable`, or what the closure throws.
    @discardableResult
    public static func write(
        _ shapes: [String: [Int]], metadata: [String: String], to url: URL,
        values: (String, inout FileSink) throws -> Void
    ) throws -> FileDigest {
        let ordered = shapes.sorted { $0.key < $1.key }
        let header = try header(ordered, metadata)
        return try WholeFile.write(
            to: url,
            streaming: { sink in
                sink.append(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header)
                for (name, shape) in ordered { try sink.append(name, shape: shape, values) }
            })
    }

    private static func header(_ shapes: [(key: String, value: [Int])], _ metadata: [String: String]) throws -> Data {
        var header: [String: HeaderValue] = metadata.isEmpty ? [:] : [SafetensorsHeader.metadataKey: .texts(metadata)]
        var end = 0
        for (name, shape) in shapes {
            guard let count = elementCount(shape) else {
                throw SafetensorsError.unfittingValues(tensor: name, shape: shape, count: 0)
            }
            let begin = end
            end += count * SafetensorsType.f32.bytes
            header[name] = .tensor(shape: shape, range: [begin, end])
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var json = try encoder.encode(header)
        // Spaces up to a multiple of eight keep the data aligned for readers that map it.
        json.append(Data(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
        return json
    }
}

extension FileSink {
    /// Appends the floats of a tensor and checks that they fill its shape.
    ///
    /// - Throws: `SafetensorsError.unfittingValues`, or what the closure throws.
    mutating func append(
        _ name: String, shape: [Int], _ values: (String, inout FileSink) throws -> Void
    ) throws {
        let before = floats
        try values(name, &self)
        guard failure != nil || floats - before == shape.reduce(1, *) else {
            throw SafetensorsError.unfittingValues(tensor: name, shape: shape, count: floats - before)
        }
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
