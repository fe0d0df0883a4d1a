import Diagnostics
import Ledger
import Testing
import Wire

@testable import Coordinator

@Suite("What waits and what stages did, as the coordinator records it")
struct QueueReportTests {
    private static func report(_ change: (inout Body.QueueReport) -> Void = { _ in }) -> Body {
        var report = Body.QueueReport(
            devices: [], storeBytes: 900, storeCapacity: 1000, isFull: false, advanceSeconds: 0, advanceBlockTokens: 0,
            stepSeconds: 0, stepTokens: 0)
        change(&report)
        return .queueReport(report)
    }

    private static func step(
        _ number: Int, stages: Int = 2, operations: Int = 3, from start: Double = 0, to end: Double = 1
    ) -> StepOperations {
        let operation = StepOperations.Operation(op: .forward, microBatch: 0, startSeconds: start, endSeconds: end)
        return StepOperations(
            step: number,
            stages: (0..<stages).map {
                .init(stage: $0, operations: Array(repeating: operation, count: operations))
            })
    }

    /// What is recorded in the second after a report, and of the report itself at once.
    private static func entries(_ machine: inout CoordinatorMachine, _ body: Body, at second: Int) -> [LedgerEntry] {
        let now = Duration.seconds(second)
        let atOnce = machine.take(body, from: "w1", session: 1, now: now).entries
        #expect(atOnce.isEmpty)
        return atOnce + machine.tick(now: now + .milliseconds(999)).entries
    }

    @Test("a queue is recorded about once a second, when anything of it has changed")
    func queues() {
        var machine = DistributedMachineTests.machine()
        var second = 0
        func take(_ body: Body) -> [QueueRecord] {
            second += 2
            return Self.entries(&machine, body, at: second).compactMap {
                if case .queue(let record) = $0 { record } else { nil }
            }
        }
        #expect(take(Self.report()).map(\.bytes) == [900])
        #expect(take(Self.report()).isEmpty)
        let told = take(
            Self.report {
                ($0.queuedMessages, $0.oldestAgeSeconds, $0.bytesReceived) = (7, -.infinity, .max)
                $0.codecBytes = [.init(codec: .int8, bytes: 5), .init(codec: .int8, bytes: 6)]
            })
        #expect(told.map(\.messages) == [7] && told.map(\.oldestAgeSeconds) == [0])
        #expect(told.map(\.receivedBytes) == [1 << 48] && told.map(\.codecBytes) == [["int8": 6]])
    }

    @Test("of the newest step there is a row for each stage; one that nobody could draw is not recorded")
    func stages() {
        var machine = DistributedMachineTests.machine()
        var second = 0
        func take(_ step: StepOperations) -> [StageRecord] {
            second += 2
            let body = Self.report { $0.newestStep = step }
            return Self.entries(&machine, body, at: second).flatMap { entry -> [StageRecord] in
                if case .stages(let records) = entry { records } else { [] }
            }
        }
        let first = take(Self.step(3))
        #expect(first.map(\.stage) == [0, 1] && first.map(\.step) == [3, 3] && first.map(\.worker) == ["w1", "w1"])
        #expect(first.map(\.operations.count) == [3, 3])
        #expect(take(Self.step(3)).isEmpty)
        for step in [
            Self.step(0), Self.step(4, stages: 65, operations: 1), Self.step(4, operations: 1025),
            Self.step(4, from: 2, to: 1), Self.step(4, from: -1), Self.step(4, to: .infinity), Self.step(4, to: .nan),
        ] { #expect(take(step).isEmpty) }
        #expect(take(Self.step(4)).count == 2)
    }
}
