import Diagnostics
import Ledger
import Testing
import Wire

@testable import Coordinator

@Suite("What computations take, as the coordinator records it")
struct ComputeReportTests {
    private func report(frozenForward seconds: Double, bubble: Double?, stages: Int = 2) -> Body {
        var report = Body.QueueReport(
            devices: [], storeBytes: 1, storeCapacity: 2, isFull: false, advanceSeconds: 0, advanceBlockTokens: 0,
            stepSeconds: 0, stepTokens: 0)
        report.frozenForwardSeconds = seconds
        report.pipeline = bubble.map { bubble in
            PipelineSummary(
                schedule: "1f1b", predictedBubble: 0.1, measuredBubble: bubble,
                stages: (0..<stages).map { _ in
                    PipelineSummary.Stage(
                        blocks: [1, 2], bubble: bubble, forwardSeconds: 1, backwardInputSeconds: 2,
                        backwardWeightsSeconds: 3, stashedMicroBatches: 4, stashedBytes: 5)
                })
        }
        return .queueReport(report)
    }

    @Test("it is recorded when it changes, and stays when a worker that was started again has nothing to tell yet")
    func recorded() {
        var machine = DistributedMachineTests.machine()
        func take(_ body: Body, from id: String = "w1") -> [ComputeRecord] {
            machine.take(body, from: id, session: 1).entries.compactMap {
                if case .compute(let record) = $0 { record } else { nil }
            }
        }
        #expect(take(report(frozenForward: 0, bubble: nil)).isEmpty)
        let first = take(report(frozenForward: 0.5, bubble: nil))
        #expect(first.map(\.frozenForwardSeconds) == [0.5] && first.map(\.pipeline) == [nil])
        let second = take(report(frozenForward: 0.5, bubble: 0.25))
        #expect(second.map(\.pipeline?.measuredBubble) == [0.25] && second.map(\.worker) == ["w1"])
        #expect(take(report(frozenForward: 0.5, bubble: 0.25)).isEmpty)
        #expect(take(report(frozenForward: 0, bubble: nil)).isEmpty)
        // Only the worker that trains computes.
        #expect(take(report(frozenForward: 0.5, bubble: 0.125), from: "b").isEmpty)
    }

    @Test("figures that are no numbers, and more stages than there can be, are not kept")
    func implausible() {
        var machine = DistributedMachineTests.machine()
        for body in [
            report(frozenForward: .nan, bubble: nil), report(frozenForward: 0, bubble: .infinity),
            report(frozenForward: -1, bubble: 0.1, stages: 65),
        ] {
            let entries = machine.take(body, from: "w1", session: 1).entries
            #expect(!entries.contains { if case .compute = $0 { true } else { false } })
        }
    }
}
