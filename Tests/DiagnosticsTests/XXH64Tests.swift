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
}
