import Diagnostics

/// What can be wrong with a schedule, or with what one is made for. Stages count from 0.
public enum ScheduleError: NumberedError, Equatable {
    /// An operation breaks a rule; it is named as the list has it, or would have it.
    case broken(stage: Int, operation: StageOperation, rule: ScheduleRule)
    /// The stash of a stage grows beyond the cap.
    case overCap(stage: Int, peakBytes: Int, capBytes: Int)
    /// The stash of a stage has grown beyond the cap while a step was taken.
    case stashOverCap(stage: Int, operation: StageOperation, bytes: Int, capBytes: Int)
    /// No schedule of that name can keep under the cap.
    case capTooSmall(schedule: String, capBytes: Int, smallestBytes: Int)
    /// Sizes or costs that no schedule can have.
    case impossible(reason: String)
    /// A file cannot be read.
    case unreadable(file: String, reason: String)
    /// A file cannot be written.
    case unwritable(file: String, reason: String)
    /// A file is no schedule.
    case malformed(file: String, reason: String)

    /// One number each for files, for broken rules and for what cannot be met.
    public var exitCode: ExitCode {
        switch self {
        case .broken, .overCap, .stashOverCap: .scheduleBroken
        case .capTooSmall, .impossible: .scheduleImpossible
        case .unreadable, .unwritable, .malformed: .scheduleUnreadable
        }
    }

    /// What was wrong, with stage and operation or file.
    public var problem: String {
        switch self {
        case .broken(let stage, let operation, let rule): "stage \(stage): \(operation) \(rule)"
        case .overCap(let stage, let peak, let cap):
            "stage \(stage): the stash can grow to \(peak) bytes, more than the cap of \(cap)"
        case .stashOverCap(let stage, let operation, let bytes, let cap):
            "stage \(stage): after \(operation) the stash has \(bytes) bytes, more than the cap of \(cap)"
        case .capTooSmall(let schedule, let cap, let smallest):
            "\(schedule) needs \(smallest) bytes of stash on a stage, more than the cap of \(cap)"
        case .impossible(let reason): reason
        case .unreadable(let file, let reason): "\(file) cannot be read: \(reason)"
        case .unwritable(let file, let reason): "\(file) cannot be written: \(reason)"
        case .malformed(let file, let reason): "\(file) is no schedule: \(reason)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .broken(_, _, .noRoom): "Raise the stage's room, or let F0 run less far ahead"
        case .broken(_, _, .deadlock): "Put what is waited for before what waits, on every stage"
        case .broken: "Correct the stage's list"
        case .overCap(_, let peak, _): "Raise the cap to \(peak) bytes, or let fewer micro-batches be under way"
        case .stashOverCap: "Raise the cap, and report this: the schedule was proven to keep under it"
        case .capTooSmall(_, _, let smallest): "Raise the cap to \(smallest) bytes"
        case .impossible: "Correct the value"
        case .unreadable, .unwritable: "Check the path of the file"
        case .malformed: "permafrost schedule print --format json shows the form"
        }
    }
}

/// A rule that an operation broke, as half a sentence behind the operation's name.
public enum ScheduleRule: Equatable, Sendable, CustomStringConvertible {
    /// It is not in the list.
    case missing
    /// It is in the lists more than once.
    case repeated
    /// The stage has no such blocks, or the step no such micro-batch.
    case foreign
    /// Only F0 may be for a later step, or stand in the prologue.
    case early
    /// It stands before what it needs on the same stage.
    case before(StageOperation)
    /// With a fused backward pass W follows its B at once.
    case apart
    /// Nothing may stand behind the step.
    case afterStep
    /// It waits for ever for room: an operation reads the result that lies longest.
    case noRoom(stage: Int, operation: StageOperation)
    /// It waits for ever for an operation of another stage.
    case deadlock(stage: Int, operation: StageOperation)

    /// Half a sentence.
    public var description: String {
        switch self {
        case .missing: "is missing: every operation is done exactly once"
        case .repeated: "is there more than once: every operation is done exactly once"
        case .foreign: "is none of this stage's operations"
        case .early: "cannot be early: parameters change at every step, so that only F0 may be for a later one"
        case .before(let other): "stands before \(other), which it needs"
        case .apart: "does not follow its B at once, as a fused backward pass does"
        case .afterStep: "stands behind the step, which ends the list"
        case .noRoom(let stage, let other): "waits for ever for room, until \(other) of stage \(stage) reads a result"
        case .deadlock(let stage, let other): "waits for ever for \(other) of stage \(stage)"
        }
    }
}
