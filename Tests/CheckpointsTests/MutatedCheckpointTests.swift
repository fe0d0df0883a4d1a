import Foundation
import Support
import Testing

@testable import Checkpoints

/// Damage to run checkpoints, in processes and within bounds of memory as for other files.
@Suite("Mutated run checkpoints")
struct MutatedCheckpointTests {
    @Test("no mutant of a run checkpoint passes for another state, or does worse than a numbered error")
    func damaged() async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent, \.standardErrorContent]
        ) {
            try Self.withCheckpoint { folder in
                let files = RunCheckpointBench.files.map(folder.appendingPathComponent)
                let original = try Self.contents(RunCheckpoint(contentsOf: folder))
                try Mutants(files: files, stream: "checkpoint", count: 5000).openEach { folder in
                    let found = try Self.contents(RunCheckpoint(contentsOf: folder))
                    guard found == original else { throw PassedForAnother() }
                }
            }
        }
        show(child)
    }

    /// What a careless or hostile writer makes: every file is as its marker says, and wrong all the same.
    @Test("no mutant with a marker of its own does worse than a numbered error")
    func marked() async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent, \.standardErrorContent]
        ) {
            try Self.withCheckpoint { folder in
                let names = [RunCheckpoint.tensorsName, RunCheckpoint.stateName]
                let files = (names + names + [RunCheckpoint.recipeName]).map(folder.appendingPathComponent)
                try Mutants(files: files, stream: "marked checkpoint", count: 5000).openEach { folder in
                    let digests = try [RunCheckpoint.tensorsName, RunCheckpoint.stateName, RunCheckpoint.recipeName]
                        .map { (file: $0, digest: try FileDigest(contentsOf: folder.appendingPathComponent($0))) }
                    try Data(CheckpointMarker.text(digests).utf8)
                        .write(to: folder.appendingPathComponent(CheckpointMarker.name))
                    _ = try Self.contents(RunCheckpoint(contentsOf: folder))
                }
            }
        }
        show(child)
    }

    private struct Contents: Equatable {
        let state: CheckpointState
        let recipe: String
        /// Bit patterns, because a number that is none is not equal to itself.
        let tensors: [String: [UInt32]]
    }

    private static func contents(_ checkpoint: RunCheckpoint) throws -> Contents {
        let names = checkpoint.tensors.shapes.keys
        let tensors = try names.map { ($0, try checkpoint.tensors.values($0).map(\.bitPattern)) }
        return Contents(
            state: checkpoint.state, recipe: checkpoint.recipe, tensors: Dictionary(uniqueKeysWithValues: tensors))
    }

    private static func withCheckpoint(_ body: (URL) throws -> Void) throws {
        try Fixtures.withTemporaryFolder { folder in
            try body(RunCheckpointBench(parent: folder).write(40))
        }
    }

    /// A mutant was read without an error as something else than was written.
    private struct PassedForAnother: Error {}
}
