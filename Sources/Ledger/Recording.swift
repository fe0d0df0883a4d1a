internal import GRDB

/// How entries change the tables.
struct Recording {
    /// Events that are kept, of all runs: whoever registers for ever does not fill the disk.
    static let keptEvents: Int64 = 20_000
    /// After how many events older ones go.
    static let eventsBetween: Int64 = 1000

    /// When, in seconds since 1970.
    let time: Double

    func apply(_ entry: LedgerEntry, to database: Database) throws {
        switch entry {
        case .runBegan(let run): try begin(run, database)
        case .runState(let run, let state, let plannedSteps):
            try database.change(RecordedRun.self, run) {
                $0.state = state
                $0.plannedSteps = plannedSteps ?? $0.plannedSteps
                $0.exitCode = nil
                $0.reason = nil
                $0.ended = nil
            }
        case .deviceJoined(let device): try database.put(stamped(device))
        case .deviceState(let run, let device, let state):
            try database.change(DeviceRecord.self, run, device) {
                $0.state = state
                $0.time = time
            }
        case .deviceMeasured(let run, let device, let measures):
            try database.change(DeviceRecord.self, run, device) { $0.take(measures) }
        case .workerJoined(let worker): try database.put(stamped(worker))
        case .workerState(let run, let worker, let state, let step):
            try database.change(WorkerRecord.self, run, worker) {
                $0.state = state
                $0.step = step ?? $0.step
                $0.time = time
            }
        case .assigned(let assignment): try assign(assignment, database)
        case .cursors(let cursors): for cursor in cursors { try database.put(stamped(cursor)) }
        case .refusals(let refusals): try database.put(stamped(refusals))
        case .compute(let compute): try database.put(stamped(compute))
        case .shares(let shares): for share in shares { try database.put(stamped(share)) }
        case .peak(let peak): try database.put(stamped(peak))
        case .queue(let queue): try database.put(stamped(queue))
        case .stages(let stages): for stage in stages { try database.put(stamped(stage)) }
        case .step(let step): try take(step, database)
        case .orderTaken(let id): try database.change(OrderRecord.self, "\(id)") { $0.taken = time }
        case .event(let event): try append(event, database)
        case .plan(let plan): try database.put(stamped(plan))
        case .ended(let run, let state, let exitCode, let reason):
            try database.change(RecordedRun.self, run) {
                $0.state = state
                $0.exitCode = exitCode
                $0.reason = reason
                $0.ended = time
            }
        }
    }

    private func stamped<R: StampedRow>(_ row: R) -> R {
        var row = row
        row.time = time
        return row
    }

    private func begin(_ run: RecordedRun, _ database: Database) throws {
        guard try database.row(RecordedRun.self, run.id) == nil else {
            throw LedgerError.refused(reason: "a run called \(run.id) is in the ledger already")
        }
        var run = run
        run.begun = time
        run.step = 0
        run.chainHash = StepChain.start(run: run.id)
        try database.put(run)
    }

    private func assign(_ assignment: AssignmentRecord, _ database: Database) throws {
        try database.change(DeviceRecord.self, assignment.run, assignment.device) {
            $0.cut = assignment.cut
            $0.generation = assignment.generation
            $0.worker = assignment.worker
        }
        try database.put(stamped(assignment))
    }

    /// Continues the chain of steps.
    ///
    /// A restarted worker takes steps again, and in a deterministic run with the same result: then the step stays as it
    /// is. Another result takes the place of the old one and of all steps that followed from it.
    private func take(_ step: StepRecord, _ database: Database) throws {
        guard step.step > 0 else { throw LedgerError.refused(reason: "steps count from 1, not from \(step.step)") }
        if var old = try database.row(StepRecord.self, step.run, step.step), old.hasResult(of: step) {
            old.retaken += 1
            return try database.put(old)
        }
        let newest = try newest(of: step.run, before: .max, database)?.step ?? 0
        if newest >= step.step {
            try database.execute(
                sql: "DELETE FROM steps WHERE run = ? AND step >= ?", arguments: [step.run, step.step])
            try warn(
                step, "step \(step.step) was taken again with another result; steps \(step.step) to \(newest) are void",
                database)
        } else if newest + 1 < step.step {
            try warn(step, "no step between \(newest) and \(step.step) was recorded", database)
        }
        let previous = try self.newest(of: step.run, before: step.step, database)
        var step = stamped(step)
        step.retaken = 0
        step.hash = StepChain.hash(of: step, after: previous?.hash ?? StepChain.start(run: step.run))
        try database.put(step)
        try database.change(RecordedRun.self, step.run) {
            $0.step = step.step
            $0.chainHash = step.hash
        }
    }

    private func newest(of run: String, before step: Int, _ database: Database) throws -> StepRecord? {
        try database.rows(StepRecord.self, "WHERE run = ? AND step < ? ORDER BY step DESC LIMIT 1", [run, step]).first
    }

    private func warn(_ step: StepRecord, _ text: String, _ database: Database) throws {
        try append(
            EventRecord(run: step.run, level: .warning, role: "worker", source: step.worker, text: text), database)
    }

    private func append(_ event: EventRecord, _ database: Database) throws {
        let id = try database.append(stamped(event)).id
        guard id.isMultiple(of: Self.eventsBetween) else { return }
        try database.execute(sql: "DELETE FROM events WHERE id <= ?", arguments: [id - Self.keptEvents])
    }
}

extension DeviceRecord {
    fileprivate mutating func take(_ measures: DeviceMeasures) {
        blockSeconds = measures.blockSeconds ?? blockSeconds
        uplinkBytesPerSecond = measures.uplinkBytesPerSecond ?? uplinkBytesPerSecond
    }
}
