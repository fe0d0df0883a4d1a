/// Something that a coordinator wants to remember. Times are set by the ledger.
public enum LedgerEntry: Sendable, Equatable {
    /// A run began; one with this id must not be there yet.
    case runBegan(RecordedRun)
    /// A run came further; a nil number of steps leaves what was planned.
    case runState(run: String, RecordedRun.State, plannedSteps: Int?)
    /// A device introduced itself; replaces what was known of it.
    case deviceJoined(DeviceRecord)
    /// A device does something else now.
    case deviceState(run: String, device: String, DeviceRecord.State)
    /// A device was measured.
    case deviceMeasured(run: String, device: String, DeviceMeasures)
    /// A worker introduced itself; replaces what was known of it.
    case workerJoined(WorkerRecord)
    /// A worker does something else now, or came to a step; a nil step leaves the last one.
    case workerState(run: String, worker: String, WorkerRecord.State, step: Int?)
    /// A device has a new assignment, which also becomes part of what is known of the device.
    case assigned(AssignmentRecord)
    /// Where the publishing of devices stands.
    case cursors([CursorRecord])
    /// What a listening role has refused; replaces what was known of it.
    case refusals(RefusalRecord)
    /// What a worker's computations take; replaces what was known of it.
    case compute(ComputeRecord)
    /// How much of the steps workers have computed; replaces what was known of them.
    case shares([ShareRecord])
    /// The most memory that a device has had; replaces what was known of it.
    case peak(PeakRecord)
    /// What waits at a worker; replaces what was known of it.
    case queue(QueueRecord)
    /// What stages did in a worker's newest step; replaces what was known of them.
    case stages([StageRecord])
    /// A worker took a step.
    case step(StepRecord)
    /// An operator's order is being followed.
    case orderTaken(Int64)
    /// Something happened.
    case event(EventRecord)
    /// A new plan was made.
    case plan(PlanRecord)
    /// A run ended.
    case ended(run: String, RecordedRun.State, exitCode: Int32, reason: String)
}
