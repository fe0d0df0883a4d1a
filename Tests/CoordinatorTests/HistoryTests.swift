import Foundation
import Ledger
import Queueing
import Testing
import Wire

@testable import Coordinator

/// What a coordinator tells a worker of recorded steps.
@Suite("Recorded steps for a worker that goes on")
struct HistoryTests {
    @Test("the run's owner is told, in its session, and nobody else")
    func owner() {
        var machine = DistributedMachineTests.machine(["w1", "a", "b", "w2"])
        #expect(
            machine.hear(.stepsWanted(after: 3), from: "w1", session: 1) == [.recall(to: "w1", session: 1, after: 3)])
        #expect(machine.hear(.stepsWanted(after: 0), from: "w2", session: 1).isEmpty)
        #expect(machine.hear(.stepsWanted(after: 0), from: "a", session: 1).isEmpty)
        #expect(
            machine.hear(.stepsWanted(after: .max), from: "w1", session: 2) == [
                .send(to: "w1", session: 2, .registerAgain)
            ])
    }

    @Test("pages have whole steps, keep a message's limits, and come to an end", arguments: [1, 7, 500, 16_384])
    func pages(samples: Int) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("history-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let ledger = try Ledger(folder: folder.path, access: .coordinator)
        let count = samples == 1 ? 2048 : 40
        let begun = LedgerEntry.runBegan(RecordedRun(id: "run", recipeName: "", recipe: "", seed: 7))
        let steps = (1...count).map { step in
            // Ids of the largest number of bytes.
            StepRecord(
                run: "run", step: step, epoch: 1, loss: nil, accuracy: nil, learningRate: nil, tokens: 1,
                samples: samples, sampleIDs: (0..<samples).map { .max - UInt64($0 + step) }, adapterDigest: "\(step)",
                seconds: nil, worker: "w")
        }
        try ledger.record([begun] + steps.map { .step($0) })
        var told: [Body.RecordedStep] = []
        for after in [0, 5, count, count + 9] {
            told = []
            while true {
                let page = try ledger.history(of: "run", after: after + told.count)
                let bytes = Envelope(run: "run", sender: "c", body: .recordedSteps(page)).encode()
                let decoded = try Envelope.decode(bytes, limits: WireLimits())
                #expect(decoded.body == .recordedSteps(page))
                told += page.steps
                if page.isComplete { break }
                try #require(!page.steps.isEmpty)
            }
            #expect(told == steps.dropFirst(after).map { .init(step: UInt64($0.step), sampleIDs: $0.sampleIDs) })
        }
    }
}
