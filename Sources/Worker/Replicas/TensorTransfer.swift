import Queueing
import Tensors
import Wire

/// A tensor cut into pieces for the way to another worker.
enum TensorPieces {
    /// Numbers in a piece: large enough to be cheap, small enough that others get a word in between.
    static let size = 1 << 20

    /// The pieces, whose frames show the tensor's memory: it must not change any more.
    static func cut(
        _ values: Storage, kind: Body.TensorPiece.Kind, step: Int, index: Int
    ) -> [(body: Body, payload: Frame)] {
        stride(from: 0, to: max(1, values.count), by: size).map { offset in
            let bytes = UnsafeRawBufferPointer(
                UnsafeBufferPointer(start: values.base + offset, count: min(size, values.count - offset)))
            let piece = Body.TensorPiece(
                kind: kind, step: UInt64(step), index: UInt32(index), offset: UInt64(offset),
                count: UInt64(values.count), checksum: payloadChecksum(bytes))
            return (.tensorPiece(piece), Frame(owner: values, bytes: bytes))
        }
    }
}

/// A tensor that is put together from its pieces, which come in their order.
struct TensorAssembly {
    /// Complete when `isComplete`.
    let values: Storage
    private let kind: Body.TensorPiece.Kind
    private let step: UInt64
    private let index: UInt32
    private var received = 0

    /// Begins with room for a tensor.
    ///
    /// - Parameters:
    ///   - piece: the first one.
    ///   - count: numbers that the tensor has to have.
    /// - Throws: `WireError` when it is the piece of another one.
    init(_ piece: Body.TensorPiece, count: Int) throws(WireError) {
        guard piece.count == UInt64(count), piece.offset == 0 else {
            throw .unexpectedMessage("TensorPiece of another size, or out of order")
        }
        (kind, step, index) = (piece.kind, piece.step, piece.index)
        values = Storage(count: count)
    }

    var isComplete: Bool { received == values.count }

    /// Takes the next piece.
    ///
    /// - Throws: `WireError` when it is not the next one, or damaged, or has a value that is not finite.
    mutating func take(_ piece: Body.TensorPiece, _ payloads: [UnsafeRawBufferPointer]) throws(WireError) {
        guard let payload = payloads.first else { throw .payloadMissing }
        guard payloads.count == 1 else { throw .tooManyFrames(found: payloads.count, expected: 1) }
        guard piece.kind == kind, piece.step == step, piece.index == index, piece.count == UInt64(values.count),
            piece.offset == UInt64(received)
        else { throw .unexpectedMessage("TensorPiece out of order") }
        let width = MemoryLayout<Float>.size, left = (values.count - received) * width
        guard payload.count <= left, payload.count % width == 0, !payload.isEmpty || left == 0 else {
            throw .wrongPayloadLength(bytes: payload.count, expected: left)
        }
        let checksum = payloadChecksum(payload)
        guard checksum == piece.checksum else {
            throw .checksumMismatch(stated: piece.checksum, computed: checksum)
        }
        if let index = PayloadCodec.f32.firstNonFinite(payload, columns: payload.count / width) {
            throw .nonFiniteValue(row: 0, column: received + index)
        }
        UnsafeMutableRawBufferPointer(start: values.base + received, count: payload.count).copyMemory(from: payload)
        received += payload.count / width
    }
}
