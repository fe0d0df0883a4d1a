import Diagnostics
internal import GRDB

extension Ledger {
    /// All runs, the newest first.
    ///
    /// - Throws: `LedgerError`.
    public func runs() throws(LedgerError) -> [RecordedRun] {
        try database.read { try $0.rows(RecordedRun.self, "ORDER BY begun DESC, rowid DESC") }
    }

    /// Grows with everything that is written: while it stays the same, so does all that can be read. Cheap. Nil when
    /// nobody can tell now.
    public var commits: UInt64? { database.commits }

    /// A run.
    ///
    /// - Throws: `LedgerError.unknown` with the nearest name.
    public func run(_ id: String) throws(LedgerError) -> RecordedRun {
        try database.read { try $0.run(id) }
    }

    /// Everything that a coordinator needs to go on with a run, as of one moment.
    ///
    /// - Throws: `LedgerError`.
    public func state(of run: String) throws(LedgerError) -> RunState {
        try database.read { database in
            let plan = try database.rows(PlanRecord.self, "WHERE run = ? ORDER BY generation DESC LIMIT 1", [run]).first
            let assignments = try database.rows(
                AssignmentRecord.self,
                """
                WHERE run = ?1 AND generation = (
                    SELECT max(generation) FROM assignments AS later
                    WHERE later.run = ?1 AND later.device = assignments.device)
                ORDER BY device
                """, [run])
            let steps = try database.rows(StepRecord.self, "WHERE run = ? ORDER BY step DESC LIMIT 1", [run])
            var workers = try database.rows(WorkerRecord.self, "WHERE run = ? ORDER BY id", [run])
            // A worker's own record is as old as its state.
            if let newest = steps.first, let place = workers.firstIndex(where: { $0.id == newest.worker }) {
                workers[place].step = max(workers[place].step, newest.step)
            }
            return RunState(
                run: try database.run(run),
                devices: try database.rows(DeviceRecord.self, "WHERE run = ? ORDER BY number", [run]),
                workers: workers,
                assignments: assignments,
                cursors: try database.rows(CursorRecord.self, "WHERE run = ? ORDER BY device", [run]),
                refusals: try database.laterRows(RefusalRecord.self, of: run),
                compute: try database.laterRows(ComputeRecord.self, of: run),
                shares: try database.laterRows(ShareRecord.self, of: run),
                peaks: try database.laterRows(PeakRecord.self, of: run),
                queues: try database.laterRows(QueueRecord.self, of: run),
                stages: try database.laterRows(StageRecord.self, of: run),
                generation: max(plan?.generation ?? 0, assignments.map(\.generation).max() ?? 0), plan: plan,
                newestStep: steps.first)
        }
    }

    /// All plans of a run in the order in which they were made.
    ///
    /// - Throws: `LedgerError`.
    public func plans(of run: String) throws(LedgerError) -> [PlanRecord] {
        try database.read { try $0.rows(PlanRecord.self, "WHERE run = ? ORDER BY generation", [run]) }
    }

    /// Steps of a run in order.
    ///
    /// - Throws: `LedgerError`.
    public func steps(of run: String, after step: Int = 0, limit: Int = .max) throws(LedgerError) -> [StepRecord] {
        try database.read {
            try $0.rows(StepRecord.self, "WHERE run = ? AND step > ? ORDER BY step LIMIT ?", [run, step, limit])
        }
    }

    /// Events of a run in order.
    ///
    /// - Throws: `LedgerError`.
    public func events(of run: String, after id: Int64 = 0, limit: Int = .max) throws(LedgerError) -> [EventRecord] {
        try database.read {
            try $0.rows(EventRecord.self, "WHERE run = ? AND id > ? ORDER BY id LIMIT ?", [run, id, limit])
        }
    }

    /// The newest events of a run, the last one first.
    ///
    /// - Throws: `LedgerError`.
    public func newestEvents(of run: String, limit: Int) throws(LedgerError) -> [EventRecord] {
        try database.read {
            try $0.rows(EventRecord.self, "WHERE run = ? ORDER BY id DESC LIMIT ?", [run, limit])
        }
    }

    /// Follows the chain of a run's steps from its begin to its end.
    ///
    /// - Returns: the number of steps.
    /// - Throws: `LedgerError.chainBroken`, `.damaged`.
    public func verifyChain(_ run: String) throws(LedgerError) -> Int {
        try database.read { try verifyChain(run, $0) }
    }

    /// Reads every row of every table, and follows every chain.
    ///
    /// - Throws: `LedgerError.damaged`, `.chainBroken`.
    public func verify() throws(LedgerError) {
        try database.read { database in
            for type in LedgerSchema.rows { try database.visit(type) }
            for run in try database.rows(RecordedRun.self) { _ = try verifyChain(run.id, database) }
        }
    }

    private func verifyChain(_ run: String, _ database: Database) throws -> Int {
        var count = 0
        var newest = (step: 0, hash: StepChain.start(run: run))
        try database.forEach(StepRecord.self, "WHERE run = ? ORDER BY step", [run]) { step in
            guard step.hash == StepChain.hash(of: step, after: newest.hash) else {
                throw LedgerError.chainBroken(file: self.database.path, run: run, step: step.step)
            }
            newest = (step.step, step.hash)
            count += 1
        }
        let end = try database.run(run)
        guard end.step == newest.step, end.chainHash == newest.hash else {
            throw LedgerError.chainBroken(file: self.database.path, run: run, step: end.step)
        }
        return count
    }
}

extension Database {
    fileprivate func visit<R: LedgerRow>(_ type: R.Type) throws {
        guard try tableExists(type.table) else { return }
        try forEach(type, "") { _ in }
    }

    /// The rows of a run in the order of their keys. None when the ledger was written by a version that did not have the
    /// table, and by no later coordinator yet.
    fileprivate func laterRows<R: LedgerRow>(_ type: R.Type, of run: String) throws -> [R] {
        guard try tableExists(type.table) else { return [] }
        return try rows(type, "WHERE run = ? ORDER BY \(type.key.joined(separator: ", "))", [run])
    }

    /// A run.
    ///
    /// - Throws: `LedgerError.unknown`.
    func run(_ id: String) throws -> RecordedRun {
        if let run = try row(RecordedRun.self, id) { return run }
        let names = try rows(RecordedRun.self).map(\.id)
        throw LedgerError.unknown(kind: "run", name: id, nearest: nearestName(to: id, among: names))
    }
}
