import Queueing
import Wire

/// What whoever runs a worker may want to tell about it.
public enum WorkerEvent: Sendable, Equatable {
    /// It waits for devices here, and has registered with the coordinator, perhaps again.
    case joined(endpoint: String)
    /// The coordinator is not connected any more, or keeps the worker out; it is tried again.
    case coordinatorAway(reason: String)
    /// A plan holds: so many devices, of which so many have said what they hold.
    case planned(generation: UInt64, devices: Int, known: Int)
    /// A plan contradicts the one that holds, and is not heeded.
    case planRefused(generation: UInt64, reason: String)
    /// A device introduced itself.
    case deviceArrived(String)
    /// Every device is known: training goes on after this step.
    case trainingBegan(step: Int)
    /// It computes parts of another worker's steps, or walks a later stage of them.
    case following(leader: String)
    /// It computed so many micro-batches of a step of the leader.
    case computed(step: Int, microBatches: Int)
    /// A step of the leader was taken here as well.
    case followed(step: Int)
    /// A replica computes parts of this worker's steps, or walks a later stage of them.
    case replicaArrived(String)
    /// A replica owes its part of a step for so long that it is given nothing more before it introduces itself again.
    case replicaLate(String, step: Int)
    /// So many bytes of messages wait to be read by a replica: it is given nothing more before it has read them, and
    /// introduces itself again.
    case replicaBehind(String, bytes: Int)
    /// What a replica sent was refused: its part of the step is computed here, and it begins anew.
    case replicaRefused(String, problem: String)
    /// Nothing more came from a later stage, or not what should: the whole step is computed here.
    case stageGivenUp(step: Int, String)
    /// It took a step, of which it is about to tell the coordinator.
    case stepped(Body.StepReport)
    /// How it stands, about once a second.
    case figures(WorkerFigures)
    /// The store takes no more: devices have to wait.
    case storeFull(problem: String)
    /// The store takes messages again.
    case storeHasRoom
    /// A message was given up.
    case deadLetter(device: String, sequence: UInt64, problem: String)
    /// Messages or handshakes were refused.
    case refused(RefusalNotice)
    /// Stored activations are damaged. They were not trained on, and their device is asked for them again.
    case damaged(device: String, sequence: UInt64, problem: String)
    /// It takes no more messages, and is about to leave.
    case draining
    /// So many of all messages and pieces of the checkpoint are with the worker that takes over.
    case handingOver(done: Int, of: Int)
    /// Everything that another worker had is here.
    case tookOver(messages: Int, step: Int)
    /// It has taken its last step: its totals.
    case finished(Body.WorkerFinished)
    /// It leaves.
    case left(WorkerOutcome)
}

/// How a worker stands.
public struct WorkerFigures: Sendable, Equatable {
    /// What it tells the coordinator; of devices only those of which something has changed.
    public var report: Body.QueueReport
    /// Messages of all devices since it was started, and what became of them.
    public var ingress: Ingress.Counts
    /// The step of its newest checkpoint, 0 before the first.
    public var checkpointStep: Int
}

/// How a worker ended.
public enum WorkerOutcome: Sendable, Equatable {
    /// Every step was taken.
    case completed
    /// The coordinator said stop.
    case stopped
    /// It was drained: another worker goes on, or this one when it is started again.
    case drained
}
