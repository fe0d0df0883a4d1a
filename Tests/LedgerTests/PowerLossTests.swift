import Foundation
import Randomness
import Testing

@testable import Ledger

@Suite("Power loss")
struct PowerLossTests {
    /// Bytes that reach the disk together.
    private static let block = 512
    /// Of SQLite's log: a header, and a header before each page.
    private static let logHeader = 32
    private static let logFrame = 24 + 4096

    /// Until a call returns, the disk may have any part of what it writes: each byte of the log and of the head's new
    /// slot is the old one, the new one or rubbish. The database itself changes only after the log is synced.
    @Test("whatever of the last transaction reached the disk, all that returned before is there and nothing of a part")
    func tornTransaction() throws {
        try withFolder { folder in
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            for run in Workload.runs { try ledger.record(Workload.beginning(run)) }
            // The log is brought into the database, and begun anew, often.
            try ledger.database.write { try $0.execute(sql: "PRAGMA wal_autocheckpoint = 30") }
            var workload = Workload(seed: 3)
            var generator = SeededGenerator(seed: 3, stream: "power")
            var before = (files: LedgerFiles(in: folder), snapshot: try LedgerSnapshot(ledger))
            var outcomes = [0, 0]
            for number in 0..<80 {
                try ledger.record(workload.next())
                let after = (files: LedgerFiles(in: folder), snapshot: try LedgerSnapshot(ledger))
                for _ in 0..<2 {
                    let torn = tear(before.files, after.files, &generator)
                    try torn.restored { folder in
                        let found = try LedgerSnapshot(try Ledger(folder: folder.path, access: .coordinator))
                        #expect(found == before.snapshot || found == after.snapshot, "transaction \(number)")
                        outcomes[found == after.snapshot ? 1 : 0] += 1
                    }
                }
                before = after
            }
            #expect(outcomes.allSatisfy { $0 > 15 }, "too few of one kind: \(outcomes)")
            let database = try #require(before.files.bytes["ledger.sqlite"])
            #expect(database.count > 50_000, "the log was never brought into the database")
        }
    }

    private func tear(_ old: LedgerFiles, _ new: LedgerFiles, _ generator: inout SeededGenerator) -> LedgerFiles {
        var torn = old
        let oldLog = old.bytes["ledger.sqlite-wal"] ?? [], newLog = new.bytes["ledger.sqlite-wal"] ?? []
        let blocks = stride(from: 0, to: newLog.count, by: Self.block).map { $0..<min($0 + Self.block, newLog.count) }
        let changed = blocks.filter { $0.upperBound > oldLog.count || oldLog[$0] != newLog[$0] }
        let begin = changed.first?.lowerBound ?? newLog.count
        // The last page may end like the one that stood there before: it belongs to the transaction all the same.
        let frames = ((changed.last?.upperBound ?? begin) - Self.logHeader + Self.logFrame - 1) / Self.logFrame
        let end = min(newLog.count, Self.logHeader + frames * Self.logFrame)
        let isWhole = Bool.random(using: &generator)
        let cut = isWhole ? end : Int.random(in: begin..<max(end, begin + 1), using: &generator)
        var log = Array(newLog[..<cut])
        let isRubbish = Bool.random(using: &generator)
        let rubbish = (0..<(isRubbish ? 3 * Self.block : 0)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        log += rubbish.prefix(newLog.count - cut)
        if log.count < oldLog.count { log += oldLog[log.count...] }
        torn.bytes["ledger.sqlite-wal"] = log
        let oldHead = old.bytes["ledger.head"] ?? [], newHead = new.bytes["ledger.head"] ?? []
        if isWhole {
            torn.bytes["ledger.head"] = zip(oldHead, newHead).map { old, new in
                old == new ? old : [old, new, 0].randomElement(using: &generator) ?? old
            }
        }
        return torn
    }
}
