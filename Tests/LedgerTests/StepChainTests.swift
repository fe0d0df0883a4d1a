import Foundation
import Testing

@testable import Ledger

@Suite("The chain of steps")
struct StepChainTests {
    private func withSteps(_ count: Int, _ body: (Ledger) throws -> Void) throws {
        try withFolder { folder in
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            try ledger.record(Workload.beginning("movies-1"))
            try ledger.record((1...count).map { .step(Workload.step($0, run: "movies-1", ids: [UInt64($0)])) })
            try body(ledger)
        }
    }

    @Test("steps in order are a chain whose end the run knows")
    func chain() throws {
        try withSteps(5) { ledger in
            #expect(try ledger.verifyChain("movies-1") == 5)
            let steps = try ledger.steps(of: "movies-1", after: 2)
            #expect(steps.map(\.step) == [3, 4, 5])
            #expect(try ledger.run("movies-1").chainHash == steps.last?.hash)
            #expect(Set(steps.map(\.hash)).count == 3)
        }
    }

    @Test("a step that is taken again with the same result changes nothing but a count")
    func retaken() throws {
        try withSteps(5) { ledger in
            let before = try ledger.steps(of: "movies-1")
            for _ in 0..<2 { try ledger.record([.step(Workload.step(3, run: "movies-1", ids: [3]))]) }
            var expected = before
            expected[2].retaken = 2
            #expect(try ledger.steps(of: "movies-1") == expected)
            #expect(try ledger.verifyChain("movies-1") == 5)
            #expect(try ledger.events(of: "movies-1").isEmpty)
        }
    }

    @Test("another result cuts the chain at its place, is kept, and an event says so")
    func cut() throws {
        try withSteps(5) { ledger in
            try ledger.record([.step(Workload.step(3, run: "movies-1", ids: [3], digest: "other"))])
            let steps = try ledger.steps(of: "movies-1")
            #expect(steps.map(\.step) == [1, 2, 3] && steps[2].adapterDigest == "other")
            #expect(try ledger.verifyChain("movies-1") == 3)
            #expect(try ledger.run("movies-1").step == 3)
            let event = try #require(try ledger.events(of: "movies-1").first)
            #expect(event.level == .warning && event.text.contains("steps 3 to 5 are void"))
        }
    }

    @Test("a gap is recorded as one: the chain goes on behind it, and an event names it")
    func gap() throws {
        try withSteps(2) { ledger in
            try ledger.record([.step(Workload.step(6, run: "movies-1", ids: [6]))])
            #expect(try ledger.verifyChain("movies-1") == 3)
            #expect(try ledger.events(of: "movies-1").first?.text.contains("between 2 and 6") == true)
        }
    }

    /// Whoever changes a row can make its checksum anew; the chain is what he cannot.
    @Test(
        "a changed, exchanged or missing step with a right checksum breaks the chain",
        arguments: ["ids", "digest", "epoch", "first", "middle", "last"])
    func tampering(what: String) throws {
        try withSteps(5) { ledger in
            try ledger.database.write { database in
                switch what {
                case "first": try database.execute(sql: "DELETE FROM steps WHERE step = 1")
                case "middle": try database.execute(sql: "DELETE FROM steps WHERE step = 3")
                case "last": try database.execute(sql: "DELETE FROM steps WHERE step = 5")
                default:
                    try database.change(StepRecord.self, "movies-1", "3") {
                        if what == "ids" { $0.sampleIDs = [4] }
                        if what == "digest" { $0.adapterDigest = "ab13" }
                        if what == "epoch" { $0.epoch = 2 }
                    }
                }
            }
            #expect {
                try ledger.verifyChain("movies-1")
            } throws: { error in
                guard case .chainBroken(_, "movies-1", _) = error as? LedgerError else { return false }
                return true
            }
        }
    }
}
