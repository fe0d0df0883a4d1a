/// XXH64 with seed 0 (Collet, xxHash specification 0.1.1), taken over bytes that come in pieces.
///
/// It finds damage and mistakes, not malice: anyone can compute it.
public struct XXH64: Sendable {
    private var lanes: (UInt64, UInt64, UInt64, UInt64) = (prime1 &+ prime2, prime2, 0, 0 &- prime1)
    /// Bytes that do not fill a stripe yet.
    private var rest: [UInt8] = []
    private var count: UInt64 = 0

    /// Bytes that are mixed at a time.
    private static let stripe = 32

    /// The hash of no bytes yet.
    public init() {}

    /// The hash of bytes that lie together.
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = XXH64()
        hash.update(bytes)
        return hash.value
    }

    /// Takes the next bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        count &+= UInt64(bytes.count)
        var offset = 0
        if !rest.isEmpty {
            offset = min(Self.stripe - rest.count, bytes.count)
            rest.append(contentsOf: bytes[..<offset])
            guard rest.count == Self.stripe else { return }
            rest.withUnsafeBytes { _ = mix($0, from: 0) }
            rest.removeAll(keepingCapacity: true)
        }
        rest.append(contentsOf: bytes[mix(bytes, from: offset)...])
    }

    /// The hash of all bytes so far.
    public var value: UInt64 {
        var hash = prime5
        if count >= UInt64(Self.stripe) {
            hash =
                rotateLeft(lanes.0, 1) &+ rotateLeft(lanes.1, 7) &+ rotateLeft(lanes.2, 12) &+ rotateLeft(lanes.3, 18)
            for lane in [lanes.0, lanes.1, lanes.2, lanes.3] {
                hash = (hash ^ round(0, lane)) &* prime1 &+ prime4
            }
        }
        return rest.withUnsafeBytes { finish(hash &+ count, $0) }
    }

    /// Mixes all whole stripes from an offset on. Lanes that stay in registers make it half as fast again.
    ///
    /// - Returns: where the bytes begin that fill no stripe.
    private mutating func mix(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var (a, b, c, d) = lanes
        var offset = start
        while offset + Self.stripe <= bytes.count {
            a = round(a, word(bytes, offset))
            b = round(b, word(bytes, offset + 8))
            c = round(c, word(bytes, offset + 16))
            d = round(d, word(bytes, offset + 24))
            offset += Self.stripe
        }
        lanes = (a, b, c, d)
        return offset
    }

    private func finish(_ start: UInt64, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = start
        var offset = 0
        while offset + 8 <= bytes.count {
            hash = rotateLeft(hash ^ round(0, word(bytes, offset)), 27) &* prime1 &+ prime4
            offset += 8
        }
        if offset + 4 <= bytes.count {
            let half = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            hash = rotateLeft(hash ^ (UInt64(half) &* prime1), 23) &* prime2 &+ prime3
            offset += 4
        }
        while offset < bytes.count {
            hash = rotateLeft(hash ^ (UInt64(bytes[offset]) &* prime5), 11) &* prime1
            offset += 1
        }
        hash = (hash ^ (hash >> 33)) &* prime2
        hash = (hash ^ (hash >> 29)) &* prime3
        return hash ^ (hash >> 32)
    }
}

private let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
private let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
private let prime3: UInt64 = 0x1656_67B1_9E37_79F9
private let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
private let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

private func round(_ lane: UInt64, _ word: UInt64) -> UInt64 { rotateLeft(lane &+ word &* prime2, 31) &* prime1 }

private func rotateLeft(_ x: UInt64, _ bits: UInt64) -> UInt64 { (x << bits) | (x >> (64 - bits)) }

private func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
}
