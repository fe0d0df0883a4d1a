import Foundation
import GRDB
import Testing

@testable import Ledger

@Suite("The ledger's versions")
struct MigrationTests {
    @Test("a ledger of the first version is read as it is, and its next coordinator counts refusals in it")
    func first() throws {
        try withFolder { folder in
            var before: LedgerSnapshot?
            do {
                let ledger = try Ledger(folder: folder.path, access: .coordinator)
                try ledger.record(Workload.beginning("movies-1"))
                before = try LedgerSnapshot(ledger)
            }
            let file = folder.appendingPathComponent("ledger.sqlite").path
            try DatabaseQueue(path: file).write { database in
                try database.execute(sql: "DROP TABLE refusals; DELETE FROM grdb_migrations WHERE identifier = '2'")
                try database.put(MetaRecord(name: MetaRecord.schema, value: 1))
            }
            #expect(try LedgerSnapshot(Ledger(folder: folder.path, access: .reading)) == before)
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            #expect(try LedgerSnapshot(ledger) == before)
            let record = RefusalRecord(
                run: "movies-1", role: "worker", source: "worker-0", handshakes: 2, messages: 1,
                reasons: ["unknownKey": 2, "missingBody": 1])
            try ledger.record([.refusals(record)])
            var found = try ledger.state(of: "movies-1").refusals
            #expect(found.count == 1 && found[0].time > 0)
            found[0].time = 0
            #expect(found == [record])
        }
    }
}
