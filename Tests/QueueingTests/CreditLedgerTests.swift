import Queueing
import Randomness
import Testing
import Wire

@Suite("Credit, the worker's side")
struct CreditLedgerTests {
    @Test("a device may send what it was granted and not a byte more")
    func budget() {
        var ledger = CreditLedger(limitBytes: 1000)
        #expect(ledger.grant(300, to: "a") == 300)
        #expect(ledger.received(200, from: "a") == .accept)
        #expect(ledger.received(101, from: "a") == .reject(.creditExceeded(bytes: 101, available: 100)))
        #expect(ledger.received(100, from: "a") == .accept)
        #expect(ledger.grantedBytes(to: "a") == 0)
        #expect(ledger.heldBytes(of: "a") == 300)
    }

    @Test("a device without a grant may send nothing")
    func stranger() {
        var ledger = CreditLedger(limitBytes: 1000)
        #expect(ledger.received(1, from: "a") == .reject(.creditExceeded(bytes: 1, available: 0)))
    }

    @Test("storing a message gives its bytes back to the device that sent it")
    func release() {
        var ledger = CreditLedger(limitBytes: 1000)
        _ = ledger.grant(300, to: "a")
        _ = ledger.received(300, from: "a")
        #expect(ledger.released(300, from: "a") == 300)
        #expect(ledger.received(300, from: "a") == .accept)
    }

    @Test("all grants together stay below the limit, and a device that leaves frees its part")
    func limit() {
        var ledger = CreditLedger(limitBytes: 1000)
        #expect(ledger.grant(700, to: "a") == 700)
        #expect(ledger.grant(700, to: "b") == 300)
        #expect(ledger.grant(1, to: "c") == 0)
        ledger.remove("a")
        #expect(ledger.grant(701, to: "c") == 700)
        #expect(ledger.received(1, from: "a") == .reject(.creditExceeded(bytes: 1, available: 0)))
    }

    @Test("whatever happens, granted and held bytes add up to what is committed, within the limit")
    func invariant() {
        let seed: UInt64 = 31
        var chance = SeededGenerator(seed: seed, stream: "credit")
        var ledger = CreditLedger(limitBytes: 5000)
        let devices = ["a", "b", "c"]
        for round in 0..<5000 {
            let device = devices[Int.random(in: 0..<3, using: &chance)]
            let bytes = Int.random(in: 0...900, using: &chance)
            let held = ledger.heldBytes(of: device)
            switch Int.random(in: 0..<20, using: &chance) {
            case 0..<5: _ = ledger.grant(bytes, to: device)
            case 5..<12: _ = ledger.received(bytes, from: device)
            case 12..<17: _ = ledger.released(min(bytes, held), from: device)
            case 17..<19: ledger.refunded(min(bytes, held), from: device)
            default: ledger.remove(device)
            }
            let sum = devices.reduce(0) { $0 + ledger.grantedBytes(to: $1) + ledger.heldBytes(of: $1) }
            #expect(sum == ledger.committedBytes && sum <= 5000, "seed \(seed), round \(round)")
        }
    }
}
