import Dispatch
import Foundation
import Ledger

/// A run as the ledger has it at one moment.
struct RunSnapshot: Sendable {
    /// Another one for every change of the ledger.
    let number: Int
    /// When it was read, in seconds since 1970.
    let time: Double
    let state: RunState
    let progress: RunProgress
    let history: StepHistory
    /// The newest first.
    let events: [EventRecord]
}

/// Reads a run from its ledger for whoever wants to look: on a thread of its own and over a connection that cannot write,
/// at most once a second for all of them together, and only when anything was written.
final class RunReader: Sendable {
    static let events = 50
    private static let interval = Duration.seconds(1)

    private let queue = DispatchQueue(label: "ledger reader")
    private let reading: Reading

    init(folder: String, run: String) { reading = Reading(folder: folder, run: run) }

    /// The run as it is now, or was a second ago at most.
    ///
    /// - Throws: `LedgerError`.
    func snapshot() async throws -> RunSnapshot {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [reading] in continuation.resume(with: Result { try reading.snapshot() }) }
        }
    }

    /// What is known; touched on the queue alone, which is what makes it sendable.
    private final class Reading: @unchecked Sendable {
        private let folder: String
        private let run: String
        private var ledger: Ledger?
        private var history = StepHistory()
        private var newest: RunSnapshot?
        private var commits: UInt64?
        private var looked: ContinuousClock.Instant?

        init(folder: String, run: String) {
            self.folder = folder
            self.run = run
        }

        func snapshot() throws(LedgerError) -> RunSnapshot {
            let now = ContinuousClock.now
            if let newest, let looked, now - looked < RunReader.interval { return newest }
            looked = now
            let ledger = try opened()
            let commits = ledger.commits
            if let newest, commits != nil, commits == self.commits { return newest }
            let state = try ledger.state(of: run)
            try history.follow(run, in: ledger)
            let snapshot = RunSnapshot(
                number: (newest?.number ?? 0) + 1, time: Date().timeIntervalSince1970, state: state,
                progress: try RunProgress(state, in: ledger), history: history,
                events: try ledger.newestEvents(of: run, limit: RunReader.events))
            self.commits = commits
            newest = snapshot
            return snapshot
        }

        private func opened() throws(LedgerError) -> Ledger {
            if let ledger { return ledger }
            let opened = try Ledger(folder: folder, access: .reading)
            ledger = opened
            return opened
        }
    }
}
