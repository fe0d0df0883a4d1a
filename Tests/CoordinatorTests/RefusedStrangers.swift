import Ledger
import Testing

@testable import Queueing

extension TinyRun {
    /// What a role has refused, by reason, as soon as the ledger has what is waited for; within a minute.
    @discardableResult
    func refusals(by role: String, until holds: (RefusalRecord) -> Bool) throws -> [String: Int] {
        let ledger = try #require(try site.ledger(.reading))
        let end = ContinuousClock.now + .seconds(60)
        while true {
            let record = try ledger.state(of: "run").refusals.first { $0.role == role }
            if let record, holds(record) { return record.reasons }
            try #require(ContinuousClock.now < end, "\(role) has refused \(record?.reasons ?? [:])")
            Nap.long()
        }
    }

    /// How many messages a role has refused, as far as the ledger knows.
    func messagesRefused(by role: String) throws -> Int {
        let ledger = try #require(try site.ledger(.reading))
        return try ledger.state(of: "run").refusals.first { $0.role == role }?.messages ?? 0
    }

    /// Expects that nothing of what happened, as operators are told it, shows a key or what strangers wrote, and that
    /// there are few lines about them.
    func expectNoSecretsInLogs() throws {
        let ledger = try #require(try site.ledger(.reading))
        let lines = try ledger.events(of: "run").map { "\($0)" }
        let told = lines + events.all.map { "\($0)" } + workerEvents.all.map { "\($0)" }
        let text = told.joined(separator: "\n")
        for id in ["strong", "weak", "worker", "coordinator", "nobody", "unplanned", "spare"] {
            let pair = try site.keyPair(of: id)
            #expect(!text.contains(pair.secretZ85), "the secret key of \(id)")
            #expect(!text.contains(pair.publicKey.z85), "the key of \(id)")
        }
        #expect(!text.contains("STRANGE") && !text.contains("\u{1B}"))
        #expect(lines.filter { $0.contains("refused") }.count < 200)
    }
}
