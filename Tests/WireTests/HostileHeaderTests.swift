import CWire
import Randomness
import Testing

@testable import Wire

@Suite("Hostile headers")
struct HostileHeaderTests {
    @Test("20,000 damaged or random headers are read or refused, and none does harm")
    func neverCrash() {
        let seed: UInt64 = 7_919
        var messages = RandomMessages(seed: seed)
        var chance = SeededGenerator(seed: seed, stream: "wire/damage")
        var read = 0
        var refused: [UInt32: Int] = [:]
        for round in 0..<20_000 {
            var bytes =
                round % 4 == 3
                ? (0..<Int.random(in: 0...200, using: &chance)).map { _ in UInt8.random(in: 0...255, using: &chance) }
                : messages.envelope(kind: round % RandomMessages.kinds).encode()
            if round % 4 != 3 { damage(&bytes, &chance) }
            do {
                let envelope = try Envelope.decode(bytes, limits: WireLimits())
                #expect(
                    (try? Envelope.decode(envelope.encode(), limits: WireLimits())) != nil, "seed \(seed), \(round)")
                read += 1
            } catch {
                refused[error.number, default: 0] += 1
            }
        }
        // Both outcomes must be common, or the damage tests nothing.
        #expect(read > 1000, "seed \(seed)")
        #expect(refused[WireError.malformedHeader(bytes: 0).number, default: 0] > 1000, "seed \(seed)")
    }

    @Test("whichever allocation is refused, unpacking gives up and frees what it had", arguments: [1, 7, 13, 14])
    func memoryRefused(kind: Int) {
        var messages = RandomMessages(seed: 3)
        let bytes = messages.envelope(kind: kind).encode()
        var unpacked = 0
        for budgetBytes in 0..<4096 {
            let budget = AllocationBudget(bytes: budgetBytes)
            defer { budget.close() }
            guard let header = permafrost__header__unpack(budget.allocator, bytes.count, bytes) else { continue }
            permafrost__header__free_unpacked(header, budget.allocator)
            unpacked += 1
        }
        #expect(unpacked > 0 && unpacked < 4096)
    }

    /// Flips, inserts, removes or cuts off up to four times.
    private func damage(_ bytes: inout [UInt8], _ chance: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &chance) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &chance)
            switch Int.random(in: 0..<5, using: &chance) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &chance)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &chance), at: place)
            case 3: bytes.remove(at: place)
            default: bytes.removeLast(min(bytes.count - place, 8))
            }
        }
    }
}
