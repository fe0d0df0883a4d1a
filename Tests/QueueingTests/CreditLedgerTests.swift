import Queueing
import Randomness
import Testing
import Wire

@Suite("Credit, the worker's side")
struct CreditLedgerTests {
    private func ledger(_ limit: Int = 1000, device: Int = 300, least: Int = 10, devices: Int = 3) -> CreditLedger {
        CreditLedger(limitBytes: limit, deviceBytes: device, leastBytes: least, devices: devices)
    }

    private func part(_ sequence: UInt64, of device: UInt32 = 0) -> MessagePart {
        MessagePart(device: device, sequence: sequence)
    }

    @Test("a device may send what it was granted and not a byte more")
    func budget() throws {
        var ledger = ledger()
        #expect(ledger.open(0) == 300)
        _ = try ledger.received(200, from: 0)
        #expect(throws: WireError.creditExceeded(bytes: 101, available: 100)) { try ledger.received(101, from: 0) }
        _ = try ledger.received(100, from: 0)
        #expect(ledger.grantedBytes(to: 0) == 0 && ledger.heldBytes(of: 0) == 300)
    }

    @Test("a device without an account may send nothing")
    func stranger() {
        var ledger = ledger()
        #expect(throws: WireError.creditExceeded(bytes: 1, available: 0)) { try ledger.received(1, from: 0) }
    }

    @Test("storing a message gives its bytes back, refusing it keeps them for the next attempt")
    func release() throws {
        var ledger = ledger()
        _ = ledger.open(0)
        #expect(ledger.stored(try ledger.received(300, from: 0), part(1)) == 300)
        ledger.refused(try ledger.received(300, from: 0))
        #expect(ledger.grantedBytes(to: 0) == 300 && ledger.heldBytes(of: 0) == 0)
    }

    @Test(
        "a greeting begins a new account; bytes of the old one stay committed until they are stored, and give nothing")
    func sessions() throws {
        var ledger = ledger(300, devices: 1)
        _ = ledger.open(0)
        let old = try ledger.received(200, from: 0)
        #expect(ledger.open(0) == 75, "who comes back begins with a quarter")
        #expect(ledger.committedBytes == 275 && !ledger.isCurrent(old))
        #expect(ledger.stored(old, part(1)) == 0)
        #expect(ledger.committedBytes == 75 && ledger.heldBytes(of: 0) == 0)
        #expect(ledger.replenish(leastBytes: 10).map(\.bytes) == [225])
    }

    @Test("a planned share counts from the next introduction on, and at once when it is more")
    func planned() throws {
        var ledger = ledger(900, device: 500)
        #expect((0..<3).map { ledger.open($0) } == [300, 300, 300])
        ledger.plan(100, for: 0)
        #expect(
            ledger.stored(try ledger.received(300, from: 0), part(1)) == 300, "parts of so many bytes may be under way")
        #expect(ledger.open(0) == 25)
        ledger.plan(480, for: 1)
        #expect(ledger.replenish(leastBytes: 10).map(\.bytes) == [75, 180])
        #expect(ledger.grantedBytes(to: 1) == 480)
        // Neither less than a row, nor more than the recipe allows; 0 is the usual share.
        ledger.plan(1, for: 2)
        #expect(ledger.open(2) == 10)
        ledger.plan(5000, for: 2)
        #expect(ledger.open(2) == 125)
        #expect(ledger.replenish(leastBytes: 10).map(\.bytes) == [195], "there is no more")
        ledger.plan(0, for: 2)
        #expect(ledger.open(2) == 75)
    }

    @Test("each device gets its share of the limit, and at least a row however many there are")
    func shares() {
        var ledger = ledger(600, device: 500)
        #expect((0..<3).map { ledger.open($0) } == [200, 200, 200])
        var crowd = self.ledger(100, device: 500, least: 40, devices: 50)
        #expect((0..<50).allSatisfy { crowd.open($0) == 40 })
        #expect(crowd.committedBytes <= crowd.limitBytes)
    }

    @Test("without room in the store nothing is given, and all of it is when there is room again")
    func room() throws {
        var ledger = ledger()
        _ = ledger.open(0)
        let charge = try ledger.received(300, from: 0)
        ledger.roomBytes = 250
        #expect(ledger.stored(charge, part(1)) == 0)
        #expect(ledger.creditAgain(300, for: part(1), of: 0) == 0, "a repeated answer gives no more than the first")
        #expect(ledger.creditAgain(300, for: part(2), of: 0) == 300)
        #expect(ledger.open(1) == 250)
        ledger.roomBytes = .max
        #expect(ledger.replenish(leastBytes: 10).map(\.bytes) == [300, 50])
        #expect(ledger.replenish(leastBytes: 10).isEmpty)
    }

    @Test(
        "whatever happens, granted and held bytes stay within the limit, and each side counts the same credit",
        arguments: 0..<20 as Range<UInt64>)
    func invariant(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "credit")
        var ledger = ledger(5000, device: 2500, devices: 3)
        var charges: [(charge: CreditLedger.Charge, session: Int)] = []
        var credit = [0, 0, 0], session = [0, 0, 0]
        for round in 0..<3000 {
            let device = Int.random(in: 0..<3, using: &chance)
            switch Int.random(in: 0..<20, using: &chance) {
            case 0:
                credit[device] = ledger.open(UInt32(device))
                session[device] += 1
            case 1: ledger.roomBytes = Bool.random(using: &chance) ? .max : Int.random(in: 0..<4000, using: &chance)
            case 2: for (device, bytes) in ledger.replenish(leastBytes: 10) { credit[Int(device)] += bytes }
            case 3..<12:
                let bytes = Int.random(in: 0...900, using: &chance)
                let isCovered = bytes <= credit[device] && session[device] > 0
                let charge = try? ledger.received(bytes, from: UInt32(device))
                #expect((charge != nil) == isCovered, "seed \(seed), round \(round)")
                guard let charge else { continue }
                credit[device] -= bytes
                charges.append((charge, session[device]))
            default:
                guard !charges.isEmpty else { continue }
                let (charge, began) = charges.remove(at: Int.random(in: 0..<charges.count, using: &chance))
                let device = Int(charge.device)
                if Int.random(in: 0..<4, using: &chance) == 0 {
                    ledger.refused(charge)
                    if began == session[device] { credit[device] += charge.bytes }
                } else {
                    credit[device] += ledger.stored(charge, part(UInt64(round + 1), of: charge.device))
                }
            }
            let held = charges.reduce(0) { $0 + $1.charge.bytes }
            #expect(ledger.committedBytes == credit.reduce(0, +) + held, "seed \(seed), round \(round)")
            #expect(ledger.committedBytes <= 5000, "seed \(seed), round \(round)")
            #expect((0..<3).allSatisfy { ledger.grantedBytes(to: UInt32($0)) == credit[$0] })
        }
    }
}
