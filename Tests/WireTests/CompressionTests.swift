import Randomness
import Testing
import Wire

@Suite("Compressed payloads", .enabled(if: PayloadCompression.available.contains(.zstd)))
struct CompressionTests {
    private let check = ActivationCheck(
        limits: WireLimits(), run: "run", width: 64, maximumCut: 4, targetLimit: 2, maximumLength: 100)

    @Test("what is compressed comes out as it was, in every codec", arguments: PayloadCodec.allCases)
    func roundTrip(codec: PayloadCodec) throws {
        let (activations, payload) = message(codec)
        let frame = try #require(payload.withUnsafeBytes(PayloadCompression.zstd.compressed))
        #expect(frame.count < payload.count)
        let expanded = try expand(activations, frame)
        #expect(expanded == payload)
        #expect(PayloadCompression.none.compressed(UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
    }

    @Test("bytes that do not become fewer are left as they are")
    func incompressible() {
        var chance = SeededGenerator(seed: 71, stream: "wire/compression")
        let noise = (0..<4096).map { _ in UInt8.random(in: 0...255, using: &chance) }
        #expect(noise.withUnsafeBytes(PayloadCompression.zstd.compressed) == nil)
        #expect([UInt8](repeating: 0, count: 1).withUnsafeBytes(PayloadCompression.zstd.compressed) == nil)
    }

    @Test("frames that lie about their size, are damaged, cut short or of another compression are refused")
    func hostile() throws {
        let (honest, payload) = message(.int8)
        let frame = try #require(payload.withUnsafeBytes(PayloadCompression.zstd.compressed))
        // Far more than it says, and a little less.
        for count in [payload.count - 1, payload.count + 1, 1 << 24] {
            let other = try #require(
                [UInt8](repeating: 7, count: count).withUnsafeBytes(PayloadCompression.zstd.compressed))
            #expect(throws: refusal(other, payload.count)) { try expand(honest, other) }
        }
        let short = Array(frame.dropLast())
        #expect(throws: refusal(short, payload.count)) { try expand(honest, short) }
        #expect(throws: refusal([], payload.count)) { try expand(honest, []) }
        #expect(throws: refusal(payload, payload.count)) { try expand(honest, payload) }
        var other = honest
        other.compression = 9
        #expect(throws: WireError.notExpandable(compression: 9, bytes: frame.count, expected: payload.count)) {
            try expand(other, frame)
        }
        var chance = SeededGenerator(seed: 72, stream: "wire/compression")
        for _ in 0..<300 {
            var damaged = frame
            damaged[Int.random(in: damaged.indices, using: &chance)] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
            // Refused here, or by the checksum later: never anything else.
            if let bytes = try? expand(honest, damaged) { #expect(bytes.count == payload.count) }
        }
    }

    @Test("no memory is taken for a payload beyond the limits")
    func limits() throws {
        let (honest, payload) = message(.f32)
        var activations = honest
        let frame = try #require(payload.withUnsafeBytes(PayloadCompression.zstd.compressed))
        activations.rows = .max
        #expect(throws: WireError.tooManyRows(rows: .max, limit: 65536)) { try expand(activations, frame) }
        activations.rows = 100
        var check = check
        check.limits.frameBytes = 100 * 64 * 4 - 1
        #expect(throws: WireError.frameTooLarge(bytes: 100 * 64 * 4, limit: 100 * 64 * 4 - 1)) {
            try frame.withUnsafeBytes { try check.expand(activations, payloads: [$0]) }
        }
    }

    private func refusal(_ frame: [UInt8], _ expected: Int) -> WireError {
        .notExpandable(compression: 1, bytes: frame.count, expected: expected)
    }

    private func expand(_ activations: Body.Activations, _ frame: [UInt8]) throws -> [UInt8]? {
        try frame.withUnsafeBytes { try check.expand(activations, payloads: [$0]).map { Array($0.bytes) } }
    }

    /// 30 rows that repeat themselves.
    private func message(_ codec: PayloadCodec) -> (Body.Activations, [UInt8]) {
        let payload = encoded(codec, (0..<30 * 64).map { Float($0 % 96) - 50 }, columns: 64)
        var activations = Body.Activations(
            sequence: 1, sampleIDs: [0], lengths: [30], targetLengths: [1], targets: [0], cut: 2, codec: codec.rawValue,
            rows: 30, columns: 64, checksum: payload.withUnsafeBytes { payloadChecksum($0) })
        activations.compression = PayloadCompression.zstd.rawValue
        return (activations, payload)
    }
}
