import Queueing
import Randomness
import Support
import Tensors
import Testing
import Wire

@testable import Worker

/// A message of a worker to another, taken apart.
struct PieceMessage {
    var body: Body
    var payload: [UInt8]

    init(_ message: (body: Body, payload: Frame)) {
        (body, payload) = (message.body, message.payload.bytes)
    }

    /// The piece that it is.
    var piece: Body.TensorPiece {
        get { if case .tensorPiece(let piece) = body { piece } else { Self.none } }
        set { body = .tensorPiece(newValue) }
    }

    /// Lends its payload as frames do, from an odd address.
    func withPayloads<Result, Failure: Error>(
        _ take: ([UnsafeRawBufferPointer]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let shifted = [0] + payload
        return try shifted.withUnsafeBytes { bytes in
            Swift.Result { () throws(Failure) in try take([UnsafeRawBufferPointer(rebasing: bytes.dropFirst())]) }
        }.get()
    }

    private static let none = Body.TensorPiece(kind: .sum, step: 0, index: 0, offset: 0, count: 0, checksum: 0)
}

@Suite("Tensors on their way to another worker")
struct TensorTransferTests {
    private static func pieces(_ values: Storage, kind: Body.TensorPiece.Kind = .sum) -> [PieceMessage] {
        TensorPieces.cut(values, kind: kind, step: 7, index: 2).map(PieceMessage.init)
    }

    private static func take(_ message: PieceMessage, _ assembly: inout TensorAssembly) throws {
        try message.withPayloads { payloads throws(WireError) in try assembly.take(message.piece, payloads) }
    }

    private static func assembled(_ messages: [PieceMessage], count: Int) throws -> TensorAssembly {
        var assembly = try TensorAssembly(messages[0].piece, count: count)
        for message in messages { try take(message, &assembly) }
        return assembly
    }

    @Test("a tensor of any size arrives as it was", arguments: 0..<6)
    func whole(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed, stream: "tensors")
        let sizes = [1, TensorPieces.size - 1, TensorPieces.size, TensorPieces.size + 1]
        let count = seed < 4 ? sizes[Int(seed)] : Int.random(in: 2...5 * TensorPieces.size / 2, using: &chance)
        let values = Storage(count: count)
        for index in 0..<count { values.base[index] = Float(truncatingIfNeeded: chance.next()) }
        let messages = Self.pieces(values)
        #expect(messages.count == (count + TensorPieces.size - 1) / TensorPieces.size)
        let assembly = try Self.assembled(messages, count: count)
        #expect(assembly.isComplete)
        let isEqual = (0..<count).allSatisfy { assembly.values.base[$0] == values.base[$0] }
        #expect(isEqual, "seed \(seed)")
    }

    @Test(
        "no room is made for a tensor of another size than what trains", arguments: [0, 1, 99, 101, .max] as [UInt64])
    func otherSize(count: UInt64) {
        var piece = Self.pieces(Storage(count: 100))[0].piece
        piece.count = count
        #expect(throws: WireError.self) { try TensorAssembly(piece, count: 100) }
        piece.count = 100
        piece.offset = 1
        #expect(throws: WireError.self) { try TensorAssembly(piece, count: 100) }
    }

    @Test("a piece that is not the next one of the same tensor is refused", arguments: 0..<7)
    func otherPiece(change: Int) throws {
        let count = TensorPieces.size * 2 + 5
        var messages = Self.pieces(Storage(count: count))
        switch change {
        case 0: messages.swapAt(1, 2)
        case 1: messages.insert(messages[0], at: 1)
        case 2: messages[1].piece.kind = .gradient
        case 3: messages[1].piece.step += 1
        case 4: messages[1].piece.index += 1
        case 5: messages[1].piece.offset = .max
        default: messages[1].piece.count -= 1
        }
        #expect(throws: WireError.unexpectedMessage("TensorPiece out of order")) {
            try Self.assembled(messages, count: count)
        }
    }

    @Test("a piece with a flipped bit anywhere is refused, and one whose sender counted the damage in as well")
    func damage() throws {
        var chance = SeededGenerator(seed: 1, stream: "tensors/damage")
        let values = Storage(normal: 300, using: &chance)
        for _ in 0..<200 {
            var message = Self.pieces(values)[0]
            let bit = Int.random(in: 0..<message.payload.count * 8, using: &chance)
            message.payload[bit / 8] ^= 1 << (bit % 8)
            let damaged = message
            #expect(throws: WireError.self) { try Self.assembled([damaged], count: 300) }
        }
        for value in [Float.nan, .infinity, -.infinity] {
            values.base[123] = value
            let messages = Self.pieces(values)
            #expect(throws: WireError.nonFiniteValue(row: 0, column: 123)) {
                try Self.assembled(messages, count: 300)
            }
        }
    }

    @Test("frames that are missing, too many, empty, too long or no whole numbers are refused")
    func frames() throws {
        let message = Self.pieces(Storage(count: 10))[0], piece = message.piece
        let fresh = try TensorAssembly(piece, count: 10)
        message.withPayloads { payloads in
            let whole = payloads[0]
            let cut = UnsafeRawBufferPointer(rebasing: whole.dropLast(3)),
                none = UnsafeRawBufferPointer(rebasing: whole[..<0])
            for frames in [[], [whole, whole], [cut], [none]] {
                var assembly = fresh
                #expect(throws: WireError.self) { try assembly.take(piece, frames) }
            }
        }
        var long = message
        long.payload += [0, 0, 0, 0]
        #expect(throws: WireError.wrongPayloadLength(bytes: 44, expected: 40)) {
            try Self.assembled([long], count: 10)
        }
        var complete = try Self.assembled([message], count: 10)
        #expect(throws: WireError.unexpectedMessage("TensorPiece out of order")) { try Self.take(message, &complete) }
    }
}

extension Float {
    /// Any finite float.
    fileprivate init(truncatingIfNeeded bits: UInt64) {
        let value = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
        self = value.isFinite ? value : 1
    }
}
