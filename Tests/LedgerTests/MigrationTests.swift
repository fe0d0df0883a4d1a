import Foundation
import GRDB
import Testing

@testable import Ledger

@Suite("The ledger's versions")
struct MigrationTests {
    @Test(
        "a ledger of an earlier version is read as it is, and its next coordinator counts what it did not know",
        arguments: [1, 2, 3, 4, 5])
    func earlier(version: Int64) throws {
        try withFolder { folder in
            var before: LedgerSnapshot?
            do {
                let ledger = try Ledger(folder: folder.path, access: .coordinator)
                try ledger.record(Workload.beginning("movies-1"))
                before = try LedgerSnapshot(ledger)
            }
            let file = folder.appendingPathComponent("ledger.sqlite").path
            try DatabaseQueue(path: file).write { database in
                let tables = [
                    (2, ["refusals"]), (3, ["compute"]), (4, ["shares"]), (5, ["peaks"]), (6, ["queues", "stages"]),
                ]
                for (number, names) in tables where number > version {
                    for name in names { try database.execute(sql: "DROP TABLE \(name)") }
                    try database.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = '\(number)'")
                }
                try database.put(MetaRecord(name: MetaRecord.schema, value: version))
            }
            #expect(try LedgerSnapshot(Ledger(folder: folder.path, access: .reading)) == before)
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            #expect(try LedgerSnapshot(ledger) == before)
            let record = RefusalRecord(
                run: "movies-1", role: "worker", source: "worker-0", handshakes: 2, messages: 1,
                reasons: ["unknownKey": 2, "missingBody": 1])
            let compute = Workload.compute("movies-1", steps: 3, seconds: 0.125)
            let share = ShareRecord(run: "movies-1", worker: "worker-1", microBatches: 12)
            let peak = PeakRecord(run: "movies-1", device: "gateway-7", peakBytes: 190_000_000)
            let queue = QueueRecord(
                run: "movies-1", worker: "worker-0", messages: 3, bytes: 2048, capacityBytes: 4096, isFull: true,
                oldestAgeSeconds: 1.5, receivedBytes: 9, sentBytes: 8, codecBytes: ["int8": 7])
            let stage = StageRecord(
                run: "movies-1", worker: "worker-0", stage: 1, step: 7,
                operations: [.init(op: .frozenForward, microBatch: 2, startSeconds: 0.25, endSeconds: 0.5)])
            try ledger.record([
                .refusals(record), .compute(compute), .shares([share]), .peak(peak), .queue(queue), .stages([stage]),
            ])
            #expect(try ledger.state(of: "movies-1").queues.map(\.codecBytes) == [["int8": 7]])
            #expect(try ledger.state(of: "movies-1").queues.map(\.isFull) == [true])
            #expect(try ledger.state(of: "movies-1").stages.map(\.operations) == [stage.operations])
            #expect(try ledger.state(of: "movies-1").shares.map(\.microBatches) == [12])
            #expect(try ledger.state(of: "movies-1").peaks.map(\.peakBytes) == [190_000_000])
            var found = try ledger.state(of: "movies-1").refusals
            #expect(found.count == 1 && found[0].time > 0)
            found[0].time = 0
            #expect(found == [record])
            var told = try ledger.state(of: "movies-1").compute
            #expect(told.count == 1 && told[0].time > 0)
            told[0].time = 0
            #expect(told == [compute])
        }
    }
}
