import Ledger
import Wire

@testable import Coordinator

extension CoordinatorMachine {
    /// What is done about one message, when no other comes with it: without what is recorded.
    mutating func hear(_ body: Body, from sender: String, session: UInt64 = 0, now: Duration = .zero) -> [Action] {
        take(body, from: sender, session: session, now: now).deeds
    }

    /// What is done about one message, when no other comes with it, and what is recorded.
    mutating func take(_ body: Body, from sender: String, session: UInt64 = 0, now: Duration = .zero) -> [Action] {
        received(body, from: sender, session: session, now: now) + settle()
    }

    /// What is done when these say goodbye, one after another.
    mutating func goodbyes(of ids: [String], session: UInt64 = 0) -> [Action] {
        ids.flatMap { hear(.goodbye(reason: ""), from: $0, session: session) }
    }

    /// What is done when time has passed, without what is recorded.
    mutating func passTime(now: Duration) -> [Action] { (tick(now: now) + settle()).deeds }
}

extension [CoordinatorMachine.Action] {
    /// Everything but records.
    var deeds: [Element] { filter { if case .record = $0 { false } else { true } } }

    /// How the run ended, if it did.
    var finish: CoordinatorOutcome? {
        compactMap { if case .finish(let outcome) = $0 { outcome } else { nil } }.first
    }

    /// Who was told to stop.
    var stopped: [String] { compactMap { if case .send(let peer, _, .stop) = $0 { peer } else { nil } } }

    /// What the observer was told.
    var events: [CoordinatorEvent] { compactMap { if case .notify(let event) = $0 { event } else { nil } } }

    /// What somebody was told.
    func sends(to peer: String) -> [Body] {
        compactMap { if case .send(peer, _, let body) = $0 { body } else { nil } }
    }

    /// What was recorded.
    var entries: [LedgerEntry] { flatMap(\.entries) }

    /// The protocol numbers of refusals.
    var rejections: [UInt32] {
        compactMap { if case .send(_, _, .reject(let reject)) = $0 { reject.number } else { nil } }
    }

    /// The text of the first refusal.
    var rejection: String? {
        compactMap { if case .send(_, _, .reject(let reject)) = $0 { reject.text } else { nil } }.first
    }

    /// The newest plan that somebody was told.
    func plan(for worker: String) -> Body.RunPlan? {
        sends(to: worker).compactMap { if case .runPlan(let plan) = $0 { plan } else { nil } }.last
    }

    /// The newest assignment that somebody was told.
    func assignment(for device: String) -> Body.Assignment? {
        sends(to: device).compactMap { if case .assignment(let assignment) = $0 { assignment } else { nil } }.last
    }

    /// The newest order to leave that somebody was told.
    func drain(for worker: String) -> Body.Drain? {
        sends(to: worker).compactMap { if case .drain(let drain) = $0 { drain } else { nil } }.last
    }
}
