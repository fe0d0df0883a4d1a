import Ledger
import Queueing
import Testing
import Wire

@testable import Coordinator

@Suite("What strangers tried, as the coordinator tells it")
struct RefusalMachineTests {
    @Test("refusals are logged once in ten seconds and recorded once a second, the worker's beside the coordinator's")
    func recorded() {
        var machine = DistributedMachineTests.machine()
        var told = [Body.Refused(reason: "unknownKey", count: 1, last: "10.0.0.9 with the fingerprint ab")]
        var actions = machine.refused(Refusals(told), now: .zero)
        var entries = actions.entries
        let line = "refused 1 handshake: The key is not enrolled; the last by 10.0.0.9 with the fingerprint ab"
        #expect(entries.events == ["warning coordinator: \(line)"])
        #expect(entries.refusals.map(\.reasons) == [["unknownKey": 1]])
        #expect(actions.contains { if case .notify(.refused) = $0 { true } else { false } })
        // Nothing new, and then something too soon to be told.
        #expect(machine.refused(Refusals(told), now: .milliseconds(200)).isEmpty)
        told[0].count = 500
        #expect(machine.refused(Refusals(told), now: .milliseconds(400)).isEmpty)
        entries = machine.refused(Refusals(told), now: .milliseconds(1200)).entries
        #expect(entries.events.isEmpty && entries.refusals.map(\.handshakes) == [500])
        actions = machine.refused(Refusals(told), now: .seconds(10))
        #expect(actions.entries.events.count == 1 && actions.entries.refusals.isEmpty)

        var report = Body.QueueReport(
            devices: [], storeBytes: 1, storeCapacity: 2, isFull: false, advanceSeconds: 0, advanceBlockTokens: 0,
            stepSeconds: 0, stepTokens: 0,
            refusals: [.init(reason: "unknownSession", count: 3), .init(reason: "weather", count: 9)])
        entries = machine.take(.queueReport(report), from: "w1", session: 1).entries
        #expect(entries.events.count == 1 && entries.events[0].hasPrefix("info w1: refused 3 messages: "))
        let record = RefusalRecord(
            run: "run", role: "worker", source: "w1", handshakes: 0, messages: 3, reasons: ["unknownSession": 3])
        #expect(entries.refusals == [record])
        // Only the worker that trains has devices to refuse.
        report.refusals[0].count = 4
        #expect(machine.take(.queueReport(report), from: "b", session: 1).entries.refusals.isEmpty)
    }

    @Test("figures that nobody can believe are added up like any other")
    func unbelievable() {
        var machine = DistributedMachineTests.machine()
        let report = Body.QueueReport(
            devices: [], storeBytes: .max, storeCapacity: .max, isFull: false, advanceSeconds: 0, advanceBlockTokens: 0,
            stepSeconds: 0, stepTokens: 0,
            refusals: [.init(reason: "unknownSession", count: .max), .init(reason: "foreignSender", count: .max)])
        let entries = machine.take(.queueReport(report), from: "w1", session: 1).entries
        #expect(entries.refusals.map(\.messages) == [2 << 48])
        #expect(Int(told: UInt64.max) == 1 << 48 && Int(told: UInt64(7)) == 7 && Int(told: UInt32.max) == 1 << 32 - 1)
    }
}

extension [LedgerEntry] {
    /// Logged events, as texts.
    fileprivate var events: [String] {
        compactMap { if case .event(let event) = $0 { "\(event.level) \(event.source): \(event.text)" } else { nil } }
    }

    fileprivate var refusals: [RefusalRecord] {
        compactMap { if case .refusals(let record) = $0 { record } else { nil } }
    }
}
