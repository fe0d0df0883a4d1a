import Diagnostics
import Methods
import Queueing
import Tensors
import Wire

/// The server of a method: its program, and one listening socket. The loop is thin: what arrives goes to the program, what
/// the program says goes out to its devices, again if need be.
public final class ProgramServer {
    /// Where devices connect.
    public let endpoint: String

    let configuration: ProgramServerConfiguration
    let channel: Channel
    let clock = RoleClock()
    let life = UInt64.random(in: 1 ... .max)
    var trace: ProgramTrace?
    var devices: [ServedDevice]
    var liveness: Liveness
    var phase = Phase.gathering
    /// Messages that the program has not handled yet.
    var inbox: [(device: Int, message: ReceivedMethodMessage)] = []
    private let job: ProgramJob<Event, Action>
    private let stop: ProgramStop
    private var totals = ProgramTotals()
    private var isBlocked = false

    enum Phase: Equatable {
        /// Devices are still to come.
        case gathering
        case running
        /// The program has finished; what it said last is on its way.
        case finished
        /// Devices were told to leave.
        case leaving(reason: String, isCompleted: Bool, until: Duration)
    }

    fileprivate enum Event: Sendable {
        case begin(any ServerProgram)
        case received(any ServerProgram, ReceivedMethodMessage, from: Int)
    }

    /// Messages are copied on the pool.
    fileprivate enum Action: Sendable {
        case computed(MethodWork)
        case send(OutgoingMethodMessage, to: Int)
        case completed(MethodProgress)
        case finished
    }

    /// Listens from now on.
    ///
    /// - Parameters:
    ///   - pool: runs programs, one event at a time.
    ///   - stop: ends the run early.
    /// - Throws: `TransportError`.
    public init(
        _ configuration: ProgramServerConfiguration, context: ZeroMQContext, pool: ComputePool, stop: ProgramStop
    ) throws {
        self.configuration = configuration
        self.stop = stop
        let settings = configuration.exchange, ids = configuration.devices
        devices = ids.map { ServedDevice(id: $0, exchange: MethodExchange(settings)) }
        liveness = Liveness(limit: configuration.silenceLimit)
        trace = configuration.tracer.map { ProgramTrace($0, missing: "no word of a device") }
        channel = try Channel(
            .router, context: context, run: configuration.run, sender: configuration.id, limits: settings.limits,
            security: configuration.security)
        endpoint = try channel.bind(configuration.endpoint)
        job = try ProgramJob(pool: pool) { event in
            switch event {
            case .begin(let program): return try program.handle(.begin).map(Action.init)
            case .received(let program, let received, let device):
                let message = try ExchangeError.refusing(ids[device]) { () throws(WireError) in
                    try received.message(limits: settings.limits)
                }
                return try program.handle(.received(message, from: device)).map(Action.init)
            }
        }
    }

    /// Serves until the program has finished and everybody has left. Blocks the calling thread, which must not be one of
    /// the pool's.
    ///
    /// - Parameters:
    ///   - line: is followed meanwhile, and ends the run early; nil without a coordinator.
    ///   - observer: called on this thread; what it throws ends the run.
    /// - Throws: `ExchangeError`, `TransportError`, or what the program or the observer throws; devices were told to leave.
    public func run(
        _ program: any ServerProgram, line: CoordinatorLine? = nil,
        observer: (ProgramServerEvent) throws -> Void = { _ in }
    ) throws -> ProgramServerOutcome {
        defer { channel.socket.close() }
        do {
            return try serve(program, line, observer)
        } catch {
            let reason = (error as? any NumberedError)?.problem ?? "\(error)"
            for device in devices.indices { _ = try? tellStop(device, reason: reason) }
            throw error
        }
    }

    private func serve(
        _ program: any ServerProgram, _ line: CoordinatorLine?, _ observer: (ProgramServerEvent) throws -> Void
    ) throws -> ProgramServerOutcome {
        var poller = Poller()
        line?.join(&poller)
        _ = poller.add(channel.socket)
        _ = poller.add(fileDescriptor: job.outcomes.signal.fileDescriptor)
        _ = poller.add(fileDescriptor: stop.signal.fileDescriptor)
        for device in devices { liveness.heard(device.id, now: clock.now) }
        while true {
            try poller.wait(milliseconds: min(untilDue, line?.untilDue ?? .seconds(1)).pollMilliseconds)
            stop.signal.drain()
            try line?.follow()
            if line?.stopReason != nil { stop.request() }
            while let received = try channel.receive() { try take(received) }
            try followProgram(program, observer)
            try pump()
            try proceed()
            trace?.looked(isWaiting: phase == .running && !job.isBusy && inbox.isEmpty)
            if let isCompleted = ending {
                count()
                return ProgramServerOutcome(isCompleted: isCompleted, totals: totals)
            }
        }
    }

    private var untilDue: Duration {
        // Silence is looked for every second.
        let soonest = devices.compactMap(\.exchange.due).min().map { $0 - clock.now } ?? .seconds(1)
        return min(soonest, .seconds(1), isBlocked ? .milliseconds(20) : .seconds(1))
    }

    private func followProgram(
        _ program: any ServerProgram, _ observer: (ProgramServerEvent) throws -> Void
    ) throws {
        if let outcome = try job.outcome() {
            totals.computeSeconds += outcome.seconds
            trace?.computed(outcome.actions.compactMap(\.work), from: outcome.began, seconds: outcome.seconds)
            for action in outcome.actions {
                switch action {
                case .computed(let work): totals.add(work)
                case .send(let message, let device): devices[device].exchange.send(message)
                case .completed(let progress):
                    count()
                    try observer(.completed(progress, totals))
                case .finished: phase = .finished
                }
            }
        }
        guard !job.isBusy else { return }
        switch phase {
        case .gathering where devices.allSatisfy(\.isHere):
            phase = .running
            try observer(.began)
            job.start(.begin(program))
        case .running where !inbox.isEmpty && !stop.isRequested:
            let (device, message) = inbox.removeFirst()
            devices[device].handled(message)
            job.start(.received(program, message, from: device))
        default: break
        }
    }

    /// Looks who is missing, and whether it is time to leave.
    private func proceed() throws {
        let now = clock.now
        // A device that computes still answers: its loop has a thread of its own.
        if case .leaving = phase {
        } else if let id = liveness.lost(now: now).first {
            throw ExchangeError.deviceSilent(id, seconds: configuration.silenceLimit.seconds)
        }
        let until = now + configuration.linger
        switch phase {
        case .finished where devices.allSatisfy(\.exchange.isDrained):
            phase = .leaving(reason: "the run is complete", isCompleted: true, until: until)
        case .gathering where stop.isRequested, .running where stop.isRequested && !job.isBusy:
            phase = .leaving(reason: "the run was stopped", isCompleted: false, until: until)
        default: return
        }
        guard case .leaving(let reason, _, _) = phase else { return }
        for device in devices.indices { try tellStop(device, reason: reason) }
    }

    /// Whether the run was completed, once all is over.
    private var ending: Bool? {
        guard case .leaving(_, let isCompleted, let until) = phase,
            clock.now >= until || devices.allSatisfy({ $0.hasLeft || !$0.isHere })
        else { return nil }
        return isCompleted
    }

    private func count() {
        totals.bytesSent = channel.socket.bytesSent
        totals.bytesReceived = channel.socket.bytesReceived
    }

    private func pump() throws {
        isBlocked = false
        for place in devices.indices {
            devices[place].exchange.tick(now: clock.now)
            while let (part, payload, attempt) = devices[place].exchange.next() {
                let before = channel.socket.bytesSent
                guard
                    try channel.send(
                        .methodPart(part), attempt: attempt, session: devices[place].session, payload: payload,
                        to: devices[place].id)
                else {
                    isBlocked = true
                    break
                }
                totals.messageBytesSent += channel.socket.bytesSent - before
                devices[place].exchange.sent(now: clock.now)
                trace?.sent(part, bytes: payload?.count ?? 0, attempt: attempt, row: "to \(devices[place].id)")
            }
        }
    }
}

extension ProgramServer.Action {
    fileprivate var work: MethodWork? { if case .computed(let work) = self { work } else { nil } }

    fileprivate init(_ action: ServerProgramAction) {
        self =
            switch action {
            case .computed(let work): .computed(work)
            case .send(let message, let device): .send(OutgoingMethodMessage(message), to: device)
            case .completed(let progress): .completed(progress)
            case .finished: .finished
            }
    }
}
