import Diagnostics
import Methods
import Queueing
import Wire

/// A role's line to its coordinator beside the exchange of its method's messages: what it is told, and, until it is written
/// down, what it tells.
///
/// Like its socket it stays on one thread.
public final class CoordinatorLine {
    /// What a role may want to tell about its line.
    public enum Event: Sendable {
        /// It has registered, perhaps again.
        case registered
        /// The coordinator is not connected any more, or keeps the role out; it is tried again.
        case away(reason: String)
        /// A plan holds.
        case planned(Body.RunPlan)
    }

    /// Between two reports of a device.
    private static let reportInterval = Duration.seconds(1)

    /// A worker's newest plan.
    public private(set) var plan: Body.RunPlan?
    /// A device's part of the plan.
    public private(set) var assignment: Body.Assignment?
    /// Why the run has ended, once the coordinator has said so.
    public private(set) var stopReason: String?
    private let control: ControlLink
    private let registration: Body.Register
    private let observer: (Event) -> Void
    private let clock = RoleClock()
    /// Says when a registration is repeated to which nothing has come: either may be lost without the connection.
    private var again = Backoff()
    /// What the coordinator has not written down yet.
    private var reports: [Body.StepReport] = []
    private var finished: Body.WorkerFinished?
    private var reported = Duration.zero

    /// - Parameters:
    ///   - registration: what the coordinator has to know of the role.
    ///   - observer: called on the thread of the line.
    public init(_ control: ControlLink, registration: Body.Register, observer: @escaping (Event) -> Void) {
        self.control = control
        self.registration = registration
        self.observer = observer
    }

    /// Does a role's work. What it throws is told to the coordinator first.
    public func reportingFailure<Result>(of work: () throws -> Result) throws -> Result {
        try control.reportingFailure(of: work)
    }

    /// Waits until the coordinator has said something.
    ///
    /// - Parameter found: what is waited for, nil while it is not there.
    /// - Returns: nil when the run has ended, or `stop` was requested.
    /// - Throws: `PatienceError`, `ExchangeError`, `TransportError`.
    public func wait<Value>(_ stop: ProgramStop, until found: (CoordinatorLine) throws -> Value?) throws -> Value? {
        var poller = Poller()
        join(&poller)
        _ = poller.add(fileDescriptor: stop.signal.fileDescriptor)
        while true {
            try follow()
            if let value = try found(self) { return value }
            guard stopReason == nil, !stop.isRequested else { return nil }
            if let silence = control.abandonment(isBusy: false) { throw silence }
            try poller.wait(milliseconds: untilDue.pollMilliseconds)
        }
    }

    /// Says goodbye, once the coordinator has said that the run has ended, or cannot be waited for any longer.
    ///
    /// - Throws: `TransportError`.
    public func leave(_ stop: ProgramStop) throws {
        // What this role had to do is done, whether the coordinator comes back or not.
        do { _ = try wait(stop) { $0.stopReason } } catch is PatienceError {}
        try control.tell(.goodbye(reason: stopReason ?? "the role was told to leave"))
    }

    /// Tells of a step, until it is written down.
    ///
    /// - Throws: `TransportError`.
    public func tell(_ report: Body.StepReport) throws {
        reports.append(report)
        try control.tell(.stepReport(report))
    }

    /// Tells the totals of the run, after its last step.
    ///
    /// - Throws: `TransportError`.
    public func tell(_ totals: Body.WorkerFinished) throws {
        finished = totals
        try control.tell(.workerFinished(totals))
    }

    /// Tells how far a device is, about once a second, and at the end.
    ///
    /// - Parameter peakMemoryBytes: the most that its process has had resident; 0 before the end.
    /// - Throws: `TransportError`.
    public func tell(_ totals: ProgramTotals, isLast: Bool = false, peakMemoryBytes: Int = 0) throws {
        guard isLast || clock.now - reported >= Self.reportInterval else { return }
        reported = clock.now
        var progress = Body.DeviceProgress(totals, isLast: isLast)
        progress.cut = assignment?.cut ?? 0
        progress.generation = assignment?.generation ?? 0
        progress.peakMemoryBytes = UInt64(clamping: peakMemoryBytes)
        try control.tell(.deviceProgress(progress))
    }

    func join(_ poller: inout Poller) { _ = poller.add(control.link) }

    var untilDue: Duration {
        min(control.untilHeartbeat, again.due.map { $0 - clock.now } ?? .seconds(60))
    }

    /// Takes what has come, and says what is due.
    func follow() throws {
        while let event = try control.event() {
            switch event {
            case .register:
                try register()
                observer(.registered)
            case .disconnected:
                again.cancel()
                observer(.away(reason: "the connection is lost"))
            case .refused(let reason): observer(.away(reason: reason))
            case .retrying: break
            }
        }
        while let order = try control.order() { try take(order) }
        if again.isDue(now: clock.now) { try register() }
        try control.keepAlive()
    }

    private func register() throws {
        again.cancel()
        if plan == nil, assignment == nil { again.plan(now: clock.now) }
        try control.tell(.register(registration))
        for report in reports { try control.tell(.stepReport(report)) }
        if let finished { try control.tell(.workerFinished(finished)) }
    }

    private func take(_ order: Body) throws {
        switch order {
        case .runPlan(let new):
            guard new.generation > plan?.generation ?? 0 else { return }
            plan = new
            again.reset()
            observer(.planned(new))
        case .assignment(let new):
            again.reset()
            // What this device has trained belongs to what that process of the worker has.
            if let assignment, (assignment.worker, assignment.workerEndpoint) != (new.worker, new.workerEndpoint) {
                throw ExchangeError.serverRestarted(endpoint: new.workerEndpoint)
            }
            assignment = new
        case .stepRecorded(let step): reports.removeAll { $0.step <= step }
        case .stop(let stop): stopReason = stop.reason
        default: break
        }
    }
}

extension Body.DeviceProgress {
    /// What a device has done.
    public init(_ totals: ProgramTotals, isLast: Bool) {
        self.init(
            publishedSamples: 0, tokens: UInt64(totals.headTokens),
            computeNanoseconds: Duration.seconds(totals.computeSeconds).nanoseconds,
            bytesUp: UInt64(totals.bytesSent), bytesDown: UInt64(totals.bytesReceived), finished: isLast)
    }
}
