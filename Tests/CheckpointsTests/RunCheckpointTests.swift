import Checkpoints
import Diagnostics
import Foundation
import Support
import Tensors
import Testing

@Suite("Run checkpoints")
struct RunCheckpointTests {
    private func withBench(_ body: (RunCheckpointBench) throws -> Void) throws {
        try Fixtures.withTemporaryFolder { folder in
            try body(RunCheckpointBench(parent: folder.appendingPathComponent("checkpoints")))
        }
    }

    @Test("what is written is read again, to the bit")
    func roundTrip() throws {
        try withBench { bench in
            let values: [Float] = [-0.0, 0x1p-149, -0x1.8p-130, .greatestFiniteMagnitude, .infinity, 1 / 3, .nan, 5]
            let matrix = Storage(count: 24).matrix(rows: 4, columns: 2, at: 3, stride: 5)
            for (i, value) in values.enumerated() { matrix[i / 2, i % 2] = value }
            let state = CheckpointState(
                step: 120, epoch: 3, batchInEpoch: 11, seed: .max, trainableParameters: 8, optimizerStep: 119,
                method: "splitfrozen",
                meters: [
                    "lossSum": 0.1 + 0.2, "best_loss": .infinity, "worst": -.infinity, "none": .nan, "zero": -0.0,
                    "small": .leastNonzeroMagnitude, "large": .greatestFiniteMagnitude,
                ])
            let recipe = "name: é 🙂\r\nseed: 7\n\u{0}"
            let folder = try RunCheckpoint.write(
                state: state, tensors: ["m": ([2, 2, 2], matrix)], recipe: recipe, to: bench.parent, keeping: 1)
            #expect(folder.lastPathComponent == "step-00000120")
            let read = try RunCheckpoint(contentsOf: folder)
            let back = Storage(count: 8).matrix(rows: 4, columns: 2)
            try read.tensors.read("m", into: back)
            #expect(back.values.map(\.bitPattern) == values.map(\.bitPattern))
            #expect(read.recipe == recipe)
            #expect(read.state.meters.mapValues(\.bitPattern) == state.meters.mapValues(\.bitPattern))
            var sameMeters = read.state
            sameMeters.meters = state.meters
            #expect(sameMeters.step == 120 && sameMeters.seed == .max && sameMeters.batchInEpoch == 11)
            #expect(sameMeters.optimizerStep == 119 && sameMeters.trainableParameters == 8)
            #expect(sameMeters.epoch == 3 && sameMeters.method == "splitfrozen" && sameMeters.version == 1)
        }
    }

    @Test("the newest checkpoint is the one with the highest step, not the last by name")
    func newest() throws {
        try withBench { bench in
            for step in [99_999_999, 3, 100_000_000] { try bench.write(step, keeping: 9) }
            let latest = try bench.latest()
            #expect(latest.step == 100_000_000 && latest.skipped.isEmpty)
        }
    }

    @Test("without a folder, or with nothing that is a checkpoint in it, there is no latest one")
    func none() throws {
        try withBench { bench in
            #expect(try bench.latest().step == nil)
            for name in ["step-1", "step-0000000x", "step--0000001", "epoch-00000001", "step-99999999999999999999"] {
                try FileManager.default.createDirectory(
                    at: bench.parent.appendingPathComponent(name), withIntermediateDirectories: true)
            }
            let latest = try bench.latest()
            #expect(latest.step == nil && latest.skipped.isEmpty)
        }
    }

    @Test("as many stay as asked for, and what crashed writers left goes")
    func keeping() throws {
        try withBench { bench in
            for step in [20, 40, 60] { try bench.write(step, keeping: 2) }
            #expect(try bench.names() == ["step-00000040", "step-00000060"])
            for name in [".step-00000070.ABC.partial", "step-00000050", "step-00000060.replaced"] {
                try FileManager.default.createDirectory(
                    at: bench.parent.appendingPathComponent(name), withIntermediateDirectories: true)
            }
            try Data().write(to: bench.parent.appendingPathComponent("notes.txt"))
            try bench.write(80, keeping: 2)
            #expect(try bench.names() == ["notes.txt", "step-00000060", "step-00000080"])
        }
    }

    @Test("a step written twice holds the second writing")
    func twice() throws {
        try withBench { bench in
            try bench.write(20, keeping: 1)
            let folder = try bench.write(20, keeping: 1, recipe: "seed: 2\n")
            #expect(try RunCheckpoint(contentsOf: folder).recipe == "seed: 2\n")
            #expect(try bench.names() == ["step-00000020"])
        }
    }

    @Test("a checkpoint that cannot be written leaves the earlier ones and nothing else")
    func failedWrite() throws {
        try withBench { bench in
            try bench.write(20)
            let matrix = Storage(count: 3).matrix(rows: 1, columns: 3)
            #expect(throws: SafetensorsError.unfittingValues(tensor: "x", shape: [4], count: 3)) {
                try RunCheckpoint.write(
                    state: bench.state(40), tensors: ["x": ([4], matrix)], recipe: "", to: bench.parent, keeping: 1)
            }
            #expect(try bench.names() == ["step-00000020"])
            let nowhere = RunCheckpointBench(parent: URL(fileURLWithPath: "/proc/none"))
            #expect(throws: FileError.self) { try nowhere.write(1) }
        }
    }

    @Test("another format version is named, and so is a folder that is not there")
    func refusals() throws {
        try withBench { bench in
            let folder = try bench.write(20)
            let state = folder.appendingPathComponent("state.json")
            let old = try String(contentsOf: state, encoding: .utf8)
            try forge(old.replacingOccurrences(of: "\"version\" : 1", with: "\"version\" : 2"), state)
            #expect(throws: CheckpointError.unsupportedVersion(folder: folder.path, version: 2)) {
                try RunCheckpoint(contentsOf: folder)
            }
            try forge(old.replacingOccurrences(of: "\"epoch\" : 2", with: "\"epoch\" : -2"), state)
            #expect(
                throws: CheckpointError.damaged(folder: folder.path, file: "state.json", reason: "epoch is -2")
            ) {
                try RunCheckpoint(contentsOf: folder)
            }
            let missing = bench.parent.appendingPathComponent("step-00000021")
            let error = #expect(throws: CheckpointError.self) { try RunCheckpoint(contentsOf: missing) }
            #expect(error?.problem.hasSuffix("No such file or directory") == true)
        }
    }

    /// Replaces a file and writes the marker anew, as only somebody who means it would.
    private func forge(_ text: String, _ url: URL) throws {
        try Data(text.utf8).write(to: url)
        let marker = url.deletingLastPathComponent().appendingPathComponent("complete")
        let hash = String(Array(text.utf8).withUnsafeBytes(XXH64.hash), radix: 16)
        let zeroes = String(repeating: "0", count: 16 - hash.count)
        let line = "\(url.lastPathComponent) \(text.utf8.count) \(zeroes)\(hash)"
        let lines = try String(contentsOf: marker, encoding: .utf8).split(separator: "\n").map { old in
            old.hasPrefix("\(url.lastPathComponent) ") ? line : String(old)
        }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: marker)
    }
}
