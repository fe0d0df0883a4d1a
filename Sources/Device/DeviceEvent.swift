/// What happens to a device, for whoever watches it.
public enum DeviceEvent: Sendable, Equatable {
    /// What a device waits for.
    public enum Wait: Sendable, Equatable {
        /// The coordinator has given it no part of the plan yet.
        case assignment
        /// The worker has not answered it; with what it said, if anything.
        case worker(id: String, reason: String?)
        /// The worker's credit is used up.
        case credit
        /// The worker has no room now, in its words.
        case room(reason: String)
        /// Everything is published; the device stays until it is told to stop.
        case stop
    }

    /// The worker knows the device. So many of its samples are settled there already.
    case joined(worker: String, settled: Int, samples: Int)
    /// The coordinator gave the device its part of a plan.
    case assigned(cut: Int, generation: UInt64, worker: String)
    /// So many samples are stored at the worker, told about once a second while they grow.
    case published(samples: Int, of: Int)
    /// For some seconds now the device can only wait.
    case waiting(Wait)
    /// The connection to a role broke; it is made anew by itself.
    case reconnecting(to: Role)
    /// A role does not let the device in; it tries again by itself.
    case refused(by: Role, reason: String)
    /// The device leaves.
    case stopped(reason: String)

    /// Whom a device speaks to.
    public enum Role: String, Sendable {
        case coordinator
        case worker
    }
}
