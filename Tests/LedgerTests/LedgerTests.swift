import Foundation
import Testing

@testable import Ledger

@Suite("The ledger")
struct LedgerTests {
    @Test("what was recorded is there after the ledger was closed")
    func recorded() throws {
        try withFolder { folder in
            var before: LedgerSnapshot?
            do {
                let ledger = try Ledger(folder: folder.path, access: .coordinator)
                for run in Workload.runs { try ledger.record(Workload.beginning(run)) }
                var workload = Workload(seed: 1)
                for _ in 0..<60 { try ledger.record(workload.next()) }
                before = try LedgerSnapshot(ledger)
            }
            let ledger = try Ledger(folder: folder.path, access: .reading)
            #expect(try LedgerSnapshot(ledger) == before)
            #expect(before?.runs.count == 2 && before?.steps.allSatisfy { !$0.isEmpty } == true)
        }
    }

    @Test("the newest events are kept, and whoever knocks for ever does not fill the disk")
    func events() throws {
        try withFolder { folder in
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            try ledger.record(Workload.beginning("movies-1"))
            let knock = LedgerEntry.event(
                EventRecord(run: "movies-1", level: .info, role: "device", source: "gateway-3", text: "registered"))
            let batch = Int(Recording.eventsBetween)
            for _ in 0..<Int(Recording.keptEvents) / batch + 3 {
                try ledger.record(Array(repeating: knock, count: batch))
            }
            let events = try ledger.events(of: "movies-1")
            #expect((0..<batch).contains(events.count - Int(Recording.keptEvents)))
            #expect(try ledger.newestEvents(of: "movies-1", limit: 1).map(\.id) == events.suffix(1).map(\.id))
        }
    }

    @Test("a restarted coordinator finds all that it needs in one state")
    func state() throws {
        try withFolder { folder in
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            try ledger.record(Workload.beginning("movies-1"))
            let assignment = { generation, cut in
                AssignmentRecord(
                    run: "movies-1", generation: generation, device: "gateway-3", worker: "worker-1", cut: cut,
                    creditBytes: 1 << 20, reason: "its uplink is slow")
            }
            try ledger.record([
                .assigned(assignment(1, 4)), .assigned(assignment(2, 9)),
                .runState(run: "movies-1", .training, plannedSteps: 600),
                .deviceState(run: "movies-1", device: "gateway-2", .away),
                .deviceMeasured(run: "movies-1", device: "gateway-2", DeviceMeasures(blockSeconds: 0.5)),
                .deviceMeasured(run: "movies-1", device: "gateway-2", DeviceMeasures(uplinkBytesPerSecond: 1e6)),
                .workerState(run: "movies-1", worker: "worker-0", .draining, step: 3),
                .workerState(run: "movies-1", worker: "worker-0", .drained, step: nil),
                .step(Workload.step(1, run: "movies-1", ids: [.max, 1])),
                .plan(PlanRecord(run: "movies-1", generation: 3, predictedSeconds: 90.5, json: "{}")),
            ])
            let state = try ledger.state(of: "movies-1")
            #expect(state.run.seed == .max && state.run.state == .training && state.run.plannedSteps == 600)
            #expect(state.devices.map(\.number) == Array(0..<Workload.devices))
            #expect(state.devices[3].cut == 9 && state.devices[3].generation == 2)
            #expect(state.devices[3].worker == "worker-1")
            #expect(state.devices[2].state == .away && state.devices[2].blockSeconds == 0.5)
            #expect(state.devices[2].uplinkBytesPerSecond == 1e6)
            #expect(state.workers[0].state == .drained && state.workers[0].step == 3)
            #expect(state.workers[1].session == UInt64.max - 1)
            #expect(state.assignments.map(\.generation) == [2] && state.assignments.map(\.cut) == [9])
            #expect(state.generation == 3 && state.plan?.predictedSeconds == 90.5)
            #expect(state.newestStep?.sampleIDs == [.max, 1] && state.newestStep?.hash == state.run.chainHash)
        }
    }

    @Test("of entries that are recorded together, all are there or none")
    func together() throws {
        try withFolder { folder in
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            try ledger.record(Workload.beginning("movies-1"))
            let before = try LedgerSnapshot(ledger)
            #expect(throws: LedgerError.self) {
                try ledger.record([
                    .deviceState(run: "movies-1", device: "gateway-0", .publishing),
                    .deviceState(run: "movies-1", device: "stranger", .publishing),
                ])
            }
            #expect(throws: LedgerError.self) { try ledger.record(Workload.beginning("movies-1")) }
            #expect(throws: LedgerError.self) { try ledger.record([.cursors([CursorRecord(run: "x", device: "y")])]) }
            #expect(try LedgerSnapshot(ledger) == before)
        }
    }

    @Test("a second coordinator is refused; readers and operators are not, and a third comes after the first has gone")
    func lock() throws {
        try withFolder { folder in
            do {
                let ledger = try Ledger(folder: folder.path, access: .coordinator)
                try ledger.record(Workload.beginning("movies-1"))
                #expect(throws: LedgerError.stateInUse(folder: folder.path)) {
                    try Ledger(folder: folder.path, access: .coordinator)
                }
                #expect(try Ledger(folder: folder.path, access: .reading).runs().count == 1)
                #expect(try Ledger(folder: folder.path, access: .operations).runs().count == 1)
            }
            #expect(try Ledger(folder: folder.path, access: .coordinator).runs().count == 1)
        }
    }

    @Test("a reader makes nothing, and says that there is no ledger")
    func nothing() throws {
        try withFolder { folder in
            let path = folder.appendingPathComponent("state").path
            #expect(throws: LedgerError.noLedger(folder: path)) { try Ledger(folder: path, access: .reading) }
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("a ledger whose making was interrupted is made by the next, and no reader takes it for one")
    func interrupted() throws {
        for length in [0, 100, 1024] {
            for hasDatabase in [false, true] where !hasDatabase || length == 1024 {
                try withFolder { folder in
                    _ = try Ledger(folder: folder.path, access: .coordinator)
                    let head = folder.appendingPathComponent("ledger.head")
                    let bytes = try Data(contentsOf: head).prefix(length)
                    let database = folder.appendingPathComponent("ledger.sqlite")
                    try FileManager.default.removeItem(at: database)
                    if hasDatabase { try Data().write(to: database) }
                    try bytes.write(to: head)
                    #expect(throws: LedgerError.noLedger(folder: folder.path)) {
                        try Ledger(folder: folder.path, access: .reading)
                    }
                    let ledger = try Ledger(folder: folder.path, access: .operations)
                    #expect(try ledger.runs().isEmpty)
                }
            }
        }
    }

    @Test("an unknown run is answered with the nearest name")
    func unknown() throws {
        try withFolder { folder in
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            try ledger.record(Workload.beginning("movies-1"))
            #expect(throws: LedgerError.unknown(kind: "run", name: "movie-1", nearest: "movies-1")) {
                try ledger.state(of: "movie-1")
            }
        }
    }

    @Test("how a run ended is kept, and a run that goes on has not ended")
    func ended() throws {
        try withFolder { folder in
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            try ledger.record(Workload.beginning("movies-1"))
            try ledger.record([.ended(run: "movies-1", .interrupted, exitCode: 62, reason: "stopped by its user")])
            let over = try ledger.run("movies-1")
            #expect(over.state == .interrupted && over.exitCode == 62 && over.reason == "stopped by its user")
            #expect(try #require(over.ended) >= over.begun)
            try ledger.record([.runState(run: "movies-1", .training, plannedSteps: nil)])
            let again = try ledger.run("movies-1")
            #expect(again.ended == nil && again.exitCode == nil && again.reason == nil)
        }
    }
}
