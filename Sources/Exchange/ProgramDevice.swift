import Diagnostics
import Methods
import Queueing
import Tensors
import Wire

/// A device of a method: its program, and one link to the server. The loop is thin: what arrives goes to the program, what
/// the program says goes out, again if need be.
///
/// The program's memory is all there is of a run's steps under way. A device that connects again goes on; another process
/// cannot.
public final class ProgramDevice {
    /// The trace's row of what is sent and received.
    private static let messages = "messages"

    private let configuration: ProgramDeviceConfiguration
    private let program: any DeviceProgram
    private let link: Link
    private let job: ProgramJob<Event, Action>
    private let clock = RoleClock()
    private let life = UInt64.random(in: 1 ... .max)
    private var serverLife: UInt64?
    private var exchange: MethodExchange
    private var greeting = Backoff(first: .milliseconds(300), longest: .seconds(15))
    private var patience: Patience
    private var lastHeartbeat = Duration.zero
    private var inbox: [ReceivedMethodMessage] = []
    /// What was done is held back, and until when: see `ProgramDeviceConfiguration.pace`.
    private var slowed: (outcome: ProgramJob<Event, Action>.Outcome, due: Duration)?
    private var owesDrained = false
    private var isBlocked = false
    private var refusals = 0
    private var stopReason: String?
    /// Until when the server may say that the run has ended, once the coordinator has.
    private var leaving: Duration?
    private var totals = ProgramTotals()
    private var trace: ProgramTrace?

    fileprivate enum Event: Sendable {
        case received(ReceivedMethodMessage)
        case drained
    }

    /// Messages are copied on the pool.
    fileprivate enum Action: Sendable {
        case computed(MethodWork)
        case send(OutgoingMethodMessage)
    }

    /// - Parameter pool: runs the program, one event at a time.
    /// - Throws: `TransportError`.
    public init(
        _ configuration: ProgramDeviceConfiguration, context: ZeroMQContext, program: any DeviceProgram,
        pool: ComputePool
    ) throws {
        self.configuration = configuration
        self.program = program
        trace = configuration.tracer.map { ProgramTrace($0, missing: "no word of the server") }
        exchange = MethodExchange(configuration.exchange)
        patience = Patience(limit: configuration.patience)
        link = Link(
            context: context, run: configuration.run, sender: configuration.id, limits: configuration.exchange.limits,
            timing: configuration.timing)
        let (limits, endpoint) = (configuration.exchange.limits, configuration.endpoint)
        job = try ProgramJob(pool: pool) { event in
            switch event {
            case .received(let received):
                let message = try ExchangeError.refusing("the server at \(endpoint)") { () throws(WireError) in
                    try received.message(limits: limits)
                }
                return try program.handle(.received(message)).map(Action.init)
            case .drained: return try program.handle(.drained).map(Action.init)
            }
        }
    }

    /// Takes part in the run until the server says stop. Blocks the calling thread, which must not be one of the pool's.
    ///
    /// - Parameters:
    ///   - line: is followed meanwhile, and told how far the device is; nil without a coordinator.
    ///   - stop: lets the device leave, which ends the run of all.
    ///   - observer: called on this thread for everything that was computed.
    /// - Throws: `ExchangeError`, `TransportError`, or what the program throws; the server was told if it could be.
    @discardableResult
    public func run(
        line: CoordinatorLine? = nil, stop: ProgramStop? = nil, observer: (MethodWork) -> Void = { _ in }
    ) throws -> ProgramTotals {
        do {
            try link.connect(configuration.endpoint, security: configuration.security)
            var poller = Poller()
            _ = poller.add(link)
            _ = poller.add(fileDescriptor: job.outcomes.signal.fileDescriptor)
            if let stop { _ = poller.add(fileDescriptor: stop.signal.fileDescriptor) }
            line?.join(&poller)
            while !hasEnded {
                try poller.wait(milliseconds: min(untilDue, line?.untilDue ?? .seconds(1)).pollMilliseconds)
                stop?.signal.drain()
                if let line { try follow(line) }
                if stop?.isRequested == true { stopReason = stopReason ?? "the device was told to leave" }
                try followLink()
                try followProgram(observer)
                try pump()
                try keepAlive()
                trace?.looked(isWaiting: serverLife != nil && !isBusy && inbox.isEmpty && exchange.isDrained)
            }
            trace?.looked(isWaiting: false)
            try link.send(.goodbye(reason: stopReason ?? ""))
        } catch {
            _ = try? link.send(.failure(Body.Failure(error)))
            throw error
        }
        count()
        link.disconnect()
        return totals
    }

    private func count() {
        totals.bytesSent = link.bytesSent
        totals.bytesReceived = link.bytesReceived
    }

    /// The server hears of the run's end as well, and says so when its last step is taken. One that is gone does not.
    private func follow(_ line: CoordinatorLine) throws {
        try line.follow()
        count()
        try line.tell(totals)
        guard let reason = line.stopReason else { return }
        let until = leaving ?? clock.now + configuration.linger
        leaving = until
        if clock.now >= until { stopReason = stopReason ?? reason }
    }

    /// What came before the stop is still handled: the server's last messages belong to the result.
    private var hasEnded: Bool { stopReason != nil && inbox.isEmpty && !isBusy }

    private var isBusy: Bool { job.isBusy || slowed != nil }

    private var untilDue: Duration {
        let heartbeat = lastHeartbeat + configuration.heartbeatInterval
        let dues = [heartbeat, exchange.due, greeting.due, slowed?.due].compactMap { $0 }
        let soonest = (dues.min() ?? .zero) - clock.now
        return [soonest, link.untilDue, isBlocked ? .milliseconds(20) : nil].compactMap { $0 }.min() ?? .zero
    }

    private func followLink() throws {
        while let event = try link.event() {
            switch event {
            case .connected: try greet()
            case .disconnected:
                exchange.closed()
                greeting.cancel()
            case .refused, .retrying: break
            }
        }
        while let received = try link.receive() {
            patience.heard(now: clock.now)
            switch received {
            case .message(let envelope, let payloads, _): try take(envelope.body, payloads)
            case .unreadable(let error, _): try refuse(error, number: 0)
            }
        }
    }

    private func greet() throws {
        try link.send(.methodGreeting(Body.MethodGreeting(life: life, next: exchange.expected)))
        greeting.plan(now: clock.now)
    }

    private func take(_ body: Body, _ payloads: [Frame]) throws {
        switch body {
        case .methodGreeting(let answer):
            guard serverLife == nil || serverLife == answer.life else {
                throw ExchangeError.serverRestarted(endpoint: configuration.endpoint)
            }
            serverLife = answer.life
            greeting.reset()
            try accept(answer.next.number) { () throws(WireError) in
                try exchange.opened(at: answer.next, now: clock.now)
            }
        case .methodPart(let part):
            try accept(part.place.number) { () throws(WireError) in
                if case .message(let message) = try exchange.take(part, payloads: payloads) {
                    inbox.append(message)
                    trace?.received(message, row: Self.messages)
                }
            }
            try link.send(.methodReceived(next: exchange.expected))
        case .methodReceived(let next):
            try accept(next.number) { () throws(WireError) in try exchange.received(upTo: next, now: clock.now) }
            trace?.acknowledged(before: next, row: Self.messages)
        case .reject(let reject) where reject.number == ProtocolError.unknownSession.rawValue:
            link.renewSession()
            exchange.closed()
            try greet()
        case .stop(let stop): stopReason = stop.reason
        case .heartbeat(let time): try link.send(.heartbeatReply(time: time))
        default: break
        }
    }

    private func accept(_ number: UInt64, _ body: () throws(WireError) -> Void) throws {
        do {
            try body()
            refusals = 0
        } catch {
            try refuse(error, number: number)
        }
    }

    private func refuse(_ error: WireError, number: UInt64) throws {
        try link.send(.reject(Body.Reject(sequence: number, error: error)))
        refusals += 1
        guard refusals < ExchangeError.mostRefusals else {
            throw ExchangeError.refused(peer: "the server at \(configuration.endpoint)", error)
        }
    }

    private func followProgram(_ observer: (MethodWork) -> Void) throws {
        if let outcome = try job.outcome() {
            let work = outcome.actions.compactMap { action in
                if case .computed(let work) = action { work } else { nil }
            }
            let seconds = max(outcome.seconds, configuration.pace(work, outcome.seconds))
            totals.computeSeconds += seconds
            slowed = (outcome, clock.now + .seconds(seconds - outcome.seconds))
            trace?.computed(work, from: outcome.began, seconds: seconds)
        }
        if let (outcome, due) = slowed, due <= clock.now {
            slowed = nil
            for action in outcome.actions {
                switch action {
                case .computed(let work):
                    totals.add(work)
                    observer(work)
                case .send(let message):
                    exchange.send(message)
                    owesDrained = true
                }
            }
        }
        guard !isBusy else { return }
        if !inbox.isEmpty {
            job.start(.received(inbox.removeFirst()))
        } else if owesDrained, exchange.isDrained {
            owesDrained = false
            job.start(.drained)
        }
    }

    private func pump() throws {
        exchange.tick(now: clock.now)
        isBlocked = false
        while let (part, payload, attempt) = exchange.next() {
            let before = link.bytesSent
            guard try link.send(.methodPart(part), attempt: attempt, payload: payload) else {
                isBlocked = true
                return
            }
            totals.messageBytesSent += link.bytesSent - before
            exchange.sent(now: clock.now)
            trace?.sent(part, bytes: payload?.count ?? 0, attempt: attempt, row: Self.messages)
        }
    }

    private func keepAlive() throws {
        let now = clock.now
        if greeting.isDue(now: now) { try greet() }
        if now - lastHeartbeat >= configuration.heartbeatInterval {
            lastHeartbeat = now
            try link.send(.heartbeat(time: now.nanoseconds))
        }
        if let silence = patience.end(isBusy: isBusy, now: now) {
            throw ExchangeError.serverSilent(endpoint: configuration.endpoint, seconds: silence.seconds)
        }
    }
}

extension ProgramDevice.Action {
    fileprivate init(_ action: DeviceProgramAction) {
        self =
            switch action {
            case .computed(let work): .computed(work)
            case .send(let message): .send(OutgoingMethodMessage(message))
            }
    }
}
