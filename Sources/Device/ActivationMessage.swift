import Datasets
import Queueing
import Tensors
import Wire

/// One group's activations as they go over the wire: header fields, and a payload that is never copied again.
struct ActivationMessage: Sendable {
    private let samples: [Int]
    private let lengths: [Int]
    private let labels: [Int]
    private let cut: Int
    private let codec: PayloadCodec
    private let columns: Int
    private let payload: Storage
    private let checksum: UInt64

    /// - Parameter activations: [tokens of all samples, columns].
    init(
        samples: [Int], examples: [EncodedExample], activations: Storage, columns: Int, cut: Int, codec: PayloadCodec
    ) {
        self.samples = samples
        self.columns = columns
        self.cut = cut
        self.codec = codec
        lengths = examples.map(\.tokens.count)
        labels = examples.map(\.label)
        payload = Self.encoded(activations, codec: codec)
        byteCount = activations.count * codec.bytesPerValue
        checksum = payloadChecksum(UnsafeRawBufferPointer(start: payload.base, count: byteCount))
    }

    /// Bytes of the payload frame.
    let byteCount: Int

    /// Tokens of all samples.
    var tokens: Int { lengths.reduce(0, +) }

    /// The header's body under a sequence number.
    func body(sequence: UInt64) -> Body {
        .activations(
            Body.Activations(
                sequence: sequence, sampleIDs: samples.map(UInt64.init), lengths: lengths.map(UInt32.init),
                labels: labels.map(UInt32.init), cut: UInt32(cut), codec: codec.rawValue, rows: UInt32(tokens),
                columns: UInt32(columns), checksum: checksum))
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
