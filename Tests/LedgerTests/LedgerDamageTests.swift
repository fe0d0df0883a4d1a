import Diagnostics
import Foundation
import Randomness
import Testing

@testable import Ledger

@Suite("A damaged ledger")
struct LedgerDamageTests {
    private static let seed: UInt64 = 20_260

    /// The files of a ledger that a coordinator was killed with, those that it closed, and what both tell.
    private static let whole = Result {
        var killed: LedgerFiles?
        var closed: LedgerFiles?
        var snapshot: LedgerSnapshot?
        try withFolder { folder in
            do {
                let ledger = try Ledger(folder: folder.path, access: .coordinator)
                for run in Workload.runs { try ledger.record(Workload.beginning(run)) }
                var workload = Workload(seed: seed)
                for _ in 0..<80 { try ledger.record(workload.next()) }
                try ledger.enroll(id: "gateway-1", role: .device, publicKey: String(repeating: "k", count: 40))
                try ledger.orderStop(of: Workload.runs[0])
                snapshot = try LedgerSnapshot(ledger)
                killed = LedgerFiles(in: folder)
            }
            closed = LedgerFiles(in: folder)
        }
        return (killed: try #require(killed), closed: try #require(closed), snapshot: try #require(snapshot))
    }

    @Test(
        "a bit flip anywhere is named, or changes nothing that is read",
        arguments: ["closed", "killed"], [Ledger.Access.reading, .coordinator])
    func flips(state: String, access: Ledger.Access) throws {
        let (killed, closed, snapshot) = try Self.whole.get()
        let files = state == "closed" ? closed : killed
        #expect((files.bytes["ledger.sqlite-wal"] != nil) == (state == "killed"))
        var generator = SeededGenerator(seed: Self.seed, stream: "flips \(state) \(access)")
        let used = files.bytes.mapValues { bytes in bytes.indices.filter { bytes[$0] != 0 } }
        var named = 0
        for number in 0..<400 {
            let isLog = state == "killed" && Bool.random(using: &generator)
            let name = number.isMultiple(of: 20) ? "ledger.head" : isLog ? "ledger.sqlite-wal" : "ledger.sqlite"
            let bytes = try #require(files.bytes[name])
            // Much of a small database is empty; half of the flips go where something is.
            let places = number.isMultiple(of: 2) ? Array(0..<bytes.count) : used[name] ?? []
            let place = try #require(places.randomElement(using: &generator))
            let bit = UInt8.random(in: 0..<8, using: &generator)
            var damaged = files
            damaged.bytes[name]?[place] ^= 1 << bit
            try damaged.restored { folder in
                do {
                    let ledger = try Ledger(folder: folder.path, access: access)
                    #expect(try LedgerSnapshot(ledger) == snapshot, "\(name), byte \(place), bit \(bit)")
                } catch let error as LedgerError {
                    named += 1
                    #expect(error.exitCode == .ledgerDamaged, "\(name), byte \(place), bit \(bit): \(error)")
                    #expect(error.problem.contains("ledger."))
                }
            }
        }
        #expect(named > 100, "only \(named) of the flips were found")
    }

    @Test("a value that was changed behind the program's back is named with its table and row")
    func value() throws {
        var files = try Self.whole.get().closed
        let text = Array("tcp://10.0.0.1:7001".utf8)
        let bytes = try #require(files.bytes["ledger.sqlite"])
        let place = try #require(bytes.firstRange(of: text)).lowerBound
        files.bytes["ledger.sqlite"]?[place + 6] ^= 1
        try files.restored { folder in
            let ledger = try Ledger(folder: folder.path, access: .reading)
            #expect {
                try ledger.verify()
            } throws: { error in
                guard case .damaged(let file, "workers", let row?, _) = error as? LedgerError else { return false }
                return file.hasSuffix("ledger.sqlite") && row.contains("worker-1")
            }
        }
    }

    @Test("a log that was cut off, or is gone, is told from one that was never written")
    func lostLog() throws {
        let killed = try Self.whole.get().killed
        let log = try #require(killed.bytes["ledger.sqlite-wal"])
        for length in [nil, 0, 32, log.count / 2, log.count - 1] {
            var damaged = killed
            damaged.bytes["ledger.sqlite-wal"] = length.map { Array(log[..<$0]) }
            try damaged.restored { folder in
                for access in [Ledger.Access.reading, .coordinator] {
                    #expect(throws: LedgerError.self, "\(length ?? -1) bytes") {
                        try Ledger(folder: folder.path, access: access)
                    }
                }
            }
        }
    }

    @Test("an older copy of the database, none, or no head is refused")
    func olderCopy() throws {
        let (killed, closed, _) = try Self.whole.get()
        var mixed = killed
        mixed.bytes["ledger.sqlite-wal"] = nil
        for (files, gone) in [(closed, "ledger.sqlite"), (closed, "ledger.head"), (mixed, "ledger.sqlite-wal")] {
            var files = files
            files.bytes[gone] = nil
            try files.restored { folder in
                for access in [Ledger.Access.reading, .coordinator] {
                    #expect {
                        try Ledger(folder: folder.path, access: access)
                    } throws: { error in
                        (error as? LedgerError)?.exitCode == .ledgerDamaged
                    }
                }
            }
        }
    }
}
