import Dispatch
import Foundation
import Ledger
import Monitoring

/// A run as the ledger has it at one moment.
struct RunSnapshot: Sendable {
    /// Another one for every change.
    private(set) var number: Int
    /// When the ledger was looked at, in seconds since 1970.
    private(set) var time: Double
    let state: RunState
    let progress: RunProgress
    let history: StepHistory
    /// The newest first.
    let events: [EventRecord]

    /// The same run, of which nothing was written since.
    func later(at time: Double) -> RunSnapshot {
        var later = self
        (later.number, later.time) = (number + 1, time)
        return later
    }
}

/// Reads a run from its ledger for whoever wants to look: on a thread of its own and over a connection that cannot write,
/// at most once a second for all of them together, and only when anything was written: else the time alone goes on.
final class RunReader: Sendable {
    static let events = 50
    /// For so long a state's time stands still when nothing is written, in seconds: how long ago a role was seen is told
    /// by it.
    private static let standstillSeconds = 5.0

    private let queue = DispatchQueue(label: "ledger reader")
    private let reading: Reading

    /// - Parameters:
    ///   - interval: between two looks at the ledger.
    ///   - clock: the time of day, in seconds since 1970.
    init(
        folder: String, run: String, interval: Duration = .seconds(1),
        clock: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
    ) {
        reading = Reading(folder: folder, run: run, interval: interval, clock: clock)
    }

    /// The run as it is now, or was a second ago at most.
    ///
    /// - Throws: `LedgerError`.
    func snapshot() async throws -> RunSnapshot { try await read { try $0.snapshot() } }

    /// The same as JSON, which is made once for everybody.
    ///
    /// - Throws: `LedgerError`.
    func state() async throws -> StateFeed.State { try await read { try $0.state() } }

    /// Has a worker hand over and leave.
    ///
    /// - Throws: `LedgerError`.
    func orderDrain(of worker: String) async throws { try await read { try $0.orderDrain(of: worker) } }

    private func read<Value: Sendable>(_ body: @escaping @Sendable (Reading) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [reading] in continuation.resume(with: Result { try body(reading) }) }
        }
    }

    /// What is known; touched on the queue alone, which is what makes it sendable.
    private final class Reading: @unchecked Sendable {
        private let folder: String
        private let run: String
        private let interval: Duration
        private let clock: @Sendable () -> Double
        private var ledger: Ledger?
        private var history = StepHistory()
        private var known: RunSnapshot?
        private var told: StateFeed.State?
        /// What is answered until the next look.
        private var answer: Result<RunSnapshot, LedgerError>?
        private var commits: UInt64?
        private var looked = ContinuousClock.now

        init(folder: String, run: String, interval: Duration, clock: @escaping @Sendable () -> Double) {
            self.folder = folder
            self.run = run
            self.interval = interval
            self.clock = clock
        }

        func state() throws(LedgerError) -> StateFeed.State {
            let snapshot = try snapshot()
            if let told, told.number == snapshot.number { return told }
            let state = StateFeed.State(number: snapshot.number, json: jsonText(MonitoredRun(snapshot)))
            told = state
            return state
        }

        func snapshot() throws(LedgerError) -> RunSnapshot {
            let now = ContinuousClock.now
            if let answer, now - looked < interval { return try answer.get() }
            looked = now
            let answer = Result { () throws(LedgerError) in try look() }
            self.answer = answer
            return try answer.get()
        }

        func orderDrain(of worker: String) throws(LedgerError) {
            try Ledger(folder: folder, access: .operations).orderDrain(of: worker, run: run)
        }

        private func look() throws(LedgerError) -> RunSnapshot {
            let ledger = try opened(), commits = ledger.commits
            let time = clock()
            if let known, commits != nil, commits == self.commits {
                // A clock that is set back is followed, too.
                guard abs(time - known.time) >= RunReader.standstillSeconds else { return known }
                let later = known.later(at: time)
                self.known = later
                return later
            }
            let snapshot = try read(ledger, number: (known?.number ?? 0) + 1, time: time)
            (known, self.commits) = (snapshot, commits)
            return snapshot
        }

        private func read(_ ledger: Ledger, number: Int, time: Double) throws(LedgerError) -> RunSnapshot {
            let state = try ledger.state(of: run)
            try history.follow(run, in: ledger)
            return RunSnapshot(
                number: number, time: time, state: state, progress: try RunProgress(state, in: ledger),
                history: history, events: try ledger.newestEvents(of: run, limit: RunReader.events))
        }

        private func opened() throws(LedgerError) -> Ledger {
            if let ledger { return ledger }
            let opened = try Ledger(folder: folder, access: .reading)
            ledger = opened
            return opened
        }
    }
}
