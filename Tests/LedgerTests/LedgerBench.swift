import Foundation
import Testing

@testable import Ledger

@Suite("Speed of the ledger")
struct LedgerBench {
    private static let isAsked = ProcessInfo.processInfo.environment["PERMAFROST_BENCH"] == "1"

    @Test("figures of 1,000 devices in one transaction", .enabled(if: isAsked))
    func cursors() throws {
        try withFolder { folder in
            let ledger = try Ledger(folder: folder.path, access: .coordinator)
            let devices = (0..<1000).map {
                DeviceRecord(run: "r", id: "gateway-\($0)", number: $0, samples: 40, state: .publishing, cut: 6)
            }
            let run = RecordedRun(id: "r", recipeName: "movies", recipe: "", seed: 1)
            try ledger.record([.runBegan(run)] + devices.map { .deviceJoined($0) })
            let clock = ContinuousClock()
            var cursors = devices.map { CursorRecord(run: "r", device: $0.id) }
            let writing = try (0..<20).map { number in
                for place in cursors.indices { cursors[place].settledSamples = number }
                return try clock.measure { try ledger.record([.cursors(cursors)]) }
            }.sorted()
            let reading = try (0..<20).map { _ in
                try clock.measure { _ = try ledger.state(of: "r") }
            }.sorted()
            let steps = try (1...200).map { number in
                let step = Workload.step(number, run: "r", ids: (0..<16).map { $0 })
                return try clock.measure { try ledger.record([.step(step)]) }
            }.sorted()
            let opening = try clock.measure { _ = try Ledger(folder: folder.path, access: .reading) }
            print(
                "1,000 cursors: written in \(writing[10]) (worst \(writing[19])), state read in \(reading[10]);",
                "a step in \(steps[100]) (worst \(steps[199])); opened in \(opening)")
        }
    }
}
