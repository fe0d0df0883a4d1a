import Checkpoints
import Diagnostics
import Foundation
import Tensors

/// A small run whose every step has other tensors.
struct RunCheckpointBench {
    static let files = ["state.safetensors", "state.json", "recipe.yaml", "reports", "complete"]

    static let defaultRecipe = (0..<20).map { "key\($0): value\n" }.joined()

    let parent: URL

    func state(_ step: Int) -> CheckpointState {
        CheckpointState(
            step: step, epoch: 2, batchInEpoch: 7, seed: .max, trainableParameters: 6, optimizerStep: step,
            method: "splitfrozen", meters: ["loss": 0.1 + Double(step)])
    }

    func tensors(_ step: Int) -> [String: (shape: [Int], matrix: Matrix)] {
        let matrix = Storage(count: 6).matrix(rows: 2, columns: 3)
        for i in 0..<6 { matrix.base[i] = Float(step) + Float(i) / 7 }
        return ["block.0.q": ([2, 3], matrix), "block.0.q.first_moment": ([3], matrix.rows(1..<2))]
    }

    @discardableResult
    func write(_ step: Int, keeping: Int = 2, recipe: String = defaultRecipe) throws -> URL {
        try RunCheckpoint.write(
            state: state(step), tensors: tensors(step), recipe: recipe, reports: Data("steps up to \(step)".utf8),
            to: parent, keeping: keeping)
    }

    /// The step of the latest whole checkpoint after its tensors were compared, and what was skipped.
    func latest() throws -> (step: Int?, skipped: [String: any NumberedError]) {
        var skipped: [String: any NumberedError] = [:]
        let checkpoint = try RunCheckpoint.latest(in: parent) { skipped[$0.lastPathComponent] = $1 }
        guard let checkpoint else { return (nil, skipped) }
        let expected = tensors(checkpoint.state.step)
        guard checkpoint.state == state(checkpoint.state.step),
            checkpoint.reports == Data("steps up to \(checkpoint.state.step)".utf8),
            try expected.allSatisfy({ try checkpoint.tensors.values($0.key) == $0.value.matrix.values })
        else { return (-1, skipped) }
        return (checkpoint.state.step, skipped)
    }

    /// The names in the folder, hidden ones too.
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: parent.path).sorted() }
}
