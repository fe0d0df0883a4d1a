import Diagnostics
import Foundation
import Ledger
import Queueing
import Wire

/// The coordinator's socket, clock and ledger around its machine.
struct CoordinatorLoop {
    private static let tick = Duration.milliseconds(200)
    /// Messages that are taken together: their records are one transaction.
    private static let largestBatch = 1024
    /// Messages that may wait for one peer. One that reads so little is asked to register again.
    private static let highWaterMark: Int32 = 1024

    private let configuration: Coordinator.Configuration
    private let ledger: Ledger?
    private let stopSignal: WakeSignal
    private let channel: Channel
    private let clock = RoleClock()
    private var machine: CoordinatorMachine
    private var nextTick = Duration.zero
    private var keysVersion: Int?
    private var observerFailure: (any Error)?

    init(
        _ configuration: Coordinator.Configuration, context: ZeroMQContext, ledger: Ledger?, stopSignal: WakeSignal
    ) throws {
        self.configuration = configuration
        self.ledger = ledger
        self.stopSignal = stopSignal
        if let state = try ledger?.recorded(configuration.run) {
            let age = max(0, Date().timeIntervalSince1970 - state.run.begun)
            machine = try CoordinatorMachine(configuration, restoring: state, age: .seconds(age))
        } else {
            machine = CoordinatorMachine(configuration)
        }
        channel = try Channel(
            .router, context: context, run: configuration.run, sender: "coordinator",
            highWaterMark: Self.highWaterMark, security: configuration.security)
    }

    mutating func run(
        isLeaving: () -> Bool, isListening: (_ endpoint: String) -> Void, observer: (CoordinatorEvent) throws -> Void
    ) throws -> CoordinatorOutcome {
        // The ledger knows the run, and the authenticator its keys, before anybody can come.
        if let outcome = try perform(machine.begin(now: clock.now) + followKeys(), observer) { return outcome }
        let endpoint = try channel.bind(configuration.endpoint)
        isListening(endpoint)
        var poller = Poller()
        _ = poller.add(channel.socket)
        _ = poller.add(fileDescriptor: stopSignal.fileDescriptor)
        defer { configuration.pulse?.rest() }
        while true {
            configuration.pulse?.beat()
            try poller.wait(milliseconds: max(.zero, nextTick - clock.now).pollMilliseconds)
            var actions = try receive()
            if stopSignal.drain() {
                actions += isLeaving() ? machine.leaveRequested() : machine.stopRequested(now: clock.now)
            }
            if clock.now >= nextTick {
                nextTick = clock.now + Self.tick
                actions += try followKeys() + followOrders() + machine.tick(now: clock.now)
                actions += machine.refused(try channel.refusals(), now: clock.now)
            }
            if let outcome = try perform(actions + machine.settle(), observer) { return outcome }
        }
    }

    private mutating func receive() throws -> [CoordinatorMachine.Action] {
        var actions: [CoordinatorMachine.Action] = []
        for _ in 0..<Self.largestBatch {
            guard let received = try channel.receive() else { break }
            switch received {
            case .message(let envelope, _, _):
                actions += machine.received(
                    envelope.body, from: envelope.sender, session: envelope.session, now: clock.now)
            case .unreadable(let error, let peer):
                if let peer { try channel.answer(peer, .reject(Body.Reject(sequence: 0, error: error))) }
            }
        }
        return actions
    }

    /// What the machine does not take is answered like this.
    private func count(_ body: Body, to peer: String) {
        switch body {
        case .reject(let reject): channel.count(refusal: reject.number, of: peer)
        case .registerAgain: channel.count(refusal: ProtocolError.unknownSession.rawValue, of: peer)
        default: break
        }
    }

    private mutating func followKeys() throws -> [CoordinatorMachine.Action] {
        guard let ledger, case let version = try ledger.keysVersion(), version != keysVersion else { return [] }
        keysVersion = version
        let keys = try ledger.keys()
        if case .server(_, let authenticator, let domain) = configuration.security {
            let isRevoked = { (record: KeyRecord) in record.revoked != nil }
            authenticator.replace(
                keys.filter { !isRevoked($0) }.table, revoked: keys.filter(isRevoked).table, in: domain)
        }
        return machine.keysChanged(keys)
    }

    private mutating func followOrders() throws -> [CoordinatorMachine.Action] {
        try ledger?.waitingOrders().filter { $0.run == configuration.run }.flatMap { order in
            let taken = CoordinatorMachine.Action.record([.orderTaken(order.id)])
            return switch order.kind {
            case .stop: [taken] + machine.stopRequested(byOrder: true, now: clock.now)
            case .drain: [taken] + machine.drainRequested(order.target)
            }
        } ?? []
    }

    /// Records first, in one transaction, and then does the rest in order.
    ///
    /// - Returns: how the run ended, when it has.
    private mutating func perform(
        _ actions: [CoordinatorMachine.Action], _ observer: (CoordinatorEvent) throws -> Void
    ) throws -> CoordinatorOutcome? {
        let entries = actions.flatMap(\.entries)
        if let ledger, !entries.isEmpty {
            Failpoint.hit(.beforeRecord)
            try ledger.record(entries)
            Failpoint.hit(.afterRecord)
        }
        for action in actions {
            switch action {
            case .record: continue
            case .send(let peer, let session, let body):
                count(body, to: peer)
                if try !channel.send(body, session: session, to: peer) { machine.undelivered(to: peer) }
            case .recall(let peer, let session, let step):
                // Without a ledger nobody comes back, and there is nothing to tell.
                let none = Body.RecordedSteps(after: UInt64(step), steps: [], isComplete: true)
                let history = try ledger?.history(of: configuration.run, after: step) ?? none
                if try !channel.send(.recordedSteps(history), session: session, to: peer) {
                    machine.undelivered(to: peer)
                }
            case .notify(let event):
                guard observerFailure == nil else { continue }
                do {
                    try observer(event)
                } catch {
                    observerFailure = error
                    if let outcome = try perform(machine.stopRequested(now: clock.now), observer) { return outcome }
                }
            case .finish(let outcome):
                if let observerFailure { throw observerFailure }
                return outcome
            }
        }
        return nil
    }
}

extension Ledger {
    /// A run that was recorded before; nil when it has not begun.
    fileprivate func recorded(_ run: String) throws(LedgerError) -> RunState? {
        do {
            return try state(of: run)
        } catch .unknown {
            return nil
        }
    }
}

extension [KeyRecord] {
    /// The keys as an authenticator knows them.
    fileprivate var table: [CurvePublicKey: EnrolledPeer] {
        var table: [CurvePublicKey: EnrolledPeer] = [:]
        for record in self {
            // A key that is none opens nothing.
            guard let key = try? CurvePublicKey(z85: record.publicKey) else { continue }
            table[key] = EnrolledPeer(role: record.role == .device ? .device : .worker, id: record.id)
        }
        return table
    }
}
