import Datasets
import Queueing
import Tensors
import Wire

/// One group's activations as they go over the wire: header fields, and a payload that is never copied again.
struct ActivationMessage: Sendable {
    /// Everything but sequence, part and checksum.
    private let header: Body.Activations
    private let payload: Storage

    /// How large the message is.
    let shape: Publication.Shape

    /// - Parameter activations: [tokens of all samples, columns].
    init(
        samples: [Int], examples: [EncodedExample], activations: Storage, columns: Int, cut: Int, codec: PayloadCodec
    ) {
        payload = Self.encoded(activations, columns: columns, codec: codec)
        let tokens = examples.reduce(0) { $0 + $1.tokens.count }
        header = Body.Activations(
            sequence: 0, sampleIDs: samples.map(UInt64.init), lengths: examples.map { UInt32($0.tokens.count) },
            targetLengths: examples.map { UInt32($0.targets.count) },
            targets: examples.flatMap { $0.targets.lazy.map { UInt32($0) } }, cut: UInt32(cut), codec: codec.rawValue,
            rows: UInt32(tokens), columns: UInt32(columns), checksum: 0)
        // A number of a list takes one byte for every 7 bits; ids, lengths and targets are mostly below 2^21.
        shape = Publication.Shape(
            rows: tokens, bytesPerRow: codec.bytesPerRow(columns: columns),
            headerBytes: 64 + 3 * (3 * samples.count + header.targets.count))
    }

    /// Tokens of each sample.
    var lengths: [Int] { header.lengths.map { Int($0) } }

    /// One part under a sequence number; nil when there is no such part.
    ///
    /// - Returns: the body, and a frame that shows the part's rows; a new one for every sending.
    func sending(
        sequence: UInt64, part: UInt32, of parts: UInt32, compression: PayloadCompression = .none
    ) -> (body: Body, payload: Frame)? {
        guard let rows = Body.rows(ofPart: part, of: parts, rows: shape.rows) else { return nil }
        let start = UnsafeRawPointer(payload.base) + rows.lowerBound * shape.bytesPerRow
        let bytes = UnsafeRawBufferPointer(start: start, count: rows.count * shape.bytesPerRow)
        var activations = header
        activations.sequence = sequence
        activations.part = part
        activations.parts = parts
        activations.checksum = payloadChecksum(bytes)
        if let compressed = compression.compressed(bytes) {
            activations.compression = compression.rawValue
            return (.activations(activations), Frame(compressed))
        }
        return (.activations(activations), Frame(owner: payload, bytes: bytes))
    }

    private static func encoded(_ activations: Storage, columns: Int, codec: PayloadCodec) -> Storage {
        guard codec != .f32 else { return activations }
        let bytes = activations.count / columns * codec.bytesPerRow(columns: columns)
        let result = Storage(count: (bytes + 3) / 4)
        codec.encode(
            UnsafeBufferPointer(start: activations.base, count: activations.count), columns: columns,
            into: UnsafeMutableRawBufferPointer(start: result.base, count: bytes))
        return result
    }
}
