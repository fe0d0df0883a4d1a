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
        let sources = tensors.mapValues { tensor in
            FloatSource(shape: tensor.shape, count: tensor.values.count) { sink in
                tensor.values.withUnsafeBufferPointer { sink.append($0) }
            }
        }
        _ = try write(sources, metadata, to: url)
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
        let sources = matrices.mapValues { tensor in
            FloatSource(shape: tensor.shape, count: tensor.matrix.count) { $0.append(tensor.matrix) }
        }
        return try write(sources, metadata, to: url)
    }

    private static func write(
        _ sources: [String: FloatSource], _ metadata: [String: String], to url: URL
    ) throws -> FileDigest {
        let sorted = sources.sorted { $0.key < $1.key }
        var header: [String: HeaderValue] = metadata.isEmpty ? [:] : [SafetensorsHeader.metadataKey: .texts(metadata)]
        var end = 0
        for (name, source) in sorted {
            guard elementCount(source.shape) == source.count else {
                throw SafetensorsError.unfittingValues(tensor: name, shape: source.shape, count: source.count)
            }
            let begin = end
            end += source.count * SafetensorsType.f32.bytes
            header[name] = .tensor(shape: source.shape, range: [begin, end])
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var json = try encoder.encode(header)
        // Spaces up to a multiple of eight keep the data aligned for readers that map it.
        json.append(Data(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
        let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
        return try WholeFile.write(to: url) { sink in
            sink.append(length + json)
            for (_, source) in sorted { source.append(&sink) }
        }
    }
}

/// The floats of a tensor, wherever they are.
private struct FloatSource {
    let shape: [Int]
    let count: Int
    let append: (inout FileSink) -> Void
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
