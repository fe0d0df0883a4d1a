import Diagnostics
import Testing

@Suite("XXH64")
struct XXH64Tests {
    @Test("bytes that come in pieces have the hash of the whole, however they are cut")
    func pieces() {
        let bytes = (0..<203).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        for length in 0...bytes.count {
            let whole = bytes[..<length].withUnsafeBytes(XXH64.hash)
            for size in [1, 3, 31, 32, 33, 64, 100] {
                var hash = XXH64()
                for start in stride(from: 0, to: length, by: size) {
                    bytes[start..<min(start + size, length)].withUnsafeBytes { hash.update($0) }
                }
                #expect(hash.value == whole, "\(length) bytes, \(size) at a time")
            }
        }
        #expect([].withUnsafeBytes(XXH64.hash) == 0xEF46_DB37_51D8_E999)
    }

    @Test("long bytes have the hash of the specification, at any address and in any pieces", arguments: 1...3)
    func long(seed: UInt64) {
        // SplitMix64 is chance enough here, and needs no other target.
        var state = seed
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            let x = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            return (x ^ x >> 27) &* 0x94D0_49BB_1331_11EB
        }
        for _ in 0..<20 {
            let bytes = (0..<Int((next() >> 8) % 20_000)).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
            let start = min(bytes.count, Int((next() >> 8) % 9))
            let expected = plainHash(Array(bytes[start...]))
            #expect(bytes[start...].withUnsafeBytes(XXH64.hash) == expected, "seed \(seed), \(bytes.count) bytes")
            var hash = XXH64()
            var offset = start
            while offset < bytes.count {
                let end = min(bytes.count, offset + Int((next() >> 8) % 5000))
                bytes[offset..<end].withUnsafeBytes { hash.update($0) }
                offset = end
            }
            #expect(hash.value == expected, "seed \(seed), \(bytes.count) bytes in pieces")
        }
    }

    /// The specification (xxHash 0.1.1, XXH64) word by word.
    private func plainHash(_ bytes: [UInt8]) -> UInt64 {
        let p1: UInt64 = 11_400_714_785_074_694_791, p2: UInt64 = 14_029_467_366_897_019_727
        let p3: UInt64 = 1_609_587_929_392_839_161, p4: UInt64 = 9_650_029_242_287_828_579
        let p5: UInt64 = 2_870_177_450_012_600_261
        func turn(_ x: UInt64, _ n: UInt64) -> UInt64 { x << n | x >> (64 - n) }
        func round(_ lane: UInt64, _ input: UInt64) -> UInt64 { turn(lane &+ input &* p2, 31) &* p1 }
        func read(_ offset: Int, _ count: Int) -> UInt64 {
            (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        }
        var offset = 0, hash = p5
        if bytes.count >= 32 {
            var lanes = [p1 &+ p2, p2, 0, 0 &- p1]
            while offset + 32 <= bytes.count {
                for lane in 0..<4 { lanes[lane] = round(lanes[lane], read(offset + 8 * lane, 8)) }
                offset += 32
            }
            hash = zip(lanes, [1, 7, 12, 18]).reduce(0) { $0 &+ turn($1.0, $1.1) }
            for lane in lanes { hash = (hash ^ round(0, lane)) &* p1 &+ p4 }
        }
        hash &+= UInt64(bytes.count)
        while offset + 8 <= bytes.count {
            hash = turn(hash ^ round(0, read(offset, 8)), 27) &* p1 &+ p4
            offset += 8
        }
        if offset + 4 <= bytes.count {
            hash = turn(hash ^ read(offset, 4) &* p1, 23) &* p2 &+ p3
            offset += 4
        }
        for offset in offset..<bytes.count { hash = turn(hash ^ read(offset, 1) &* p5, 11) &* p1 }
        hash = (hash ^ hash >> 33) &* p2
        hash = (hash ^ hash >> 29) &* p3
        return hash ^ hash >> 32
    }
}
