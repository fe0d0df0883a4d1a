import Datasets
import Queueing
import Tensors
import Wire

/// One group's activations as they go over the wire: header fields, and a payload that is never copied again.
struct ActivationMessage: Sendable {
    /// Everything but the sequence.
    private let header: Body.Activations
    private let payload: Storage

    /// - Parameter activations: [tokens of all samples, columns].
    init(
        samples: [Int], examples: [EncodedExample], activations: Storage, columns: Int, cut: Int, codec: PayloadCodec
    ) {
        payload = Self.encoded(activations, codec: codec)
        byteCount = activations.count * codec.bytesPerValue
        tokens = examples.reduce(0) { $0 + $1.tokens.count }
        header = Body.Activations(
            sequence: 0, sampleIDs: samples.map(UInt64.init), lengths: examples.map { UInt32($0.tokens.count) },
            targetLengths: examples.map { UInt32($0.targets.count) },
            targets: examples.flatMap { $0.targets.lazy.map { UInt32($0) } }, cut: UInt32(cut), codec: codec.rawValue,
            rows: UInt32(tokens), columns: UInt32(columns),
            checksum: payloadChecksum(UnsafeRawBufferPointer(start: payload.base, count: byteCount)))
    }

    /// Bytes of the payload frame.
    let byteCount: Int

    /// Tokens of all samples.
    let tokens: Int

    /// The header's body under a sequence number.
    func body(sequence: UInt64) -> Body {
        var activations = header
        activations.sequence = sequence
        return .activations(activations)
    }

    /// A frame that shows the payload; a new one for every sending.
    func frame() -> Frame {
        Frame(owner: payload, bytes: UnsafeRawBufferPointer(start: payload.base, count: byteCount))
    }

    private static func encoded(_ activations: Storage, codec: PayloadCodec) -> Storage {
        guard codec != .f32 else { return activations }
        let bytes = activations.count * codec.bytesPerValue
        let result = Storage(count: (bytes + 3) / 4)
        codec.encode(
            UnsafeBufferPointer(start: activations.base, count: activations.count),
            into: UnsafeMutableRawBufferPointer(start: result.base, count: bytes))
        return result
    }
}
