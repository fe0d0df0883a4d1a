import Diagnostics
import Foundation
import Testing
import Wire

@Suite("A coordinator that is not to be trusted", .timeLimit(.minutes(2)))
struct ForeignCoordinatorTests {
    @Test("a run whose name leads out of the state folder is refused, and nothing is written")
    func escape() throws {
        var coordinator = try FalseCoordinator()
        for run in ["../outside", "/tmp/outside", "", "."] {
            try TinyModel.use { tiny in
                let recipe = try String(contentsOf: tiny.path("recipe.yaml"), encoding: .utf8)
                let program = try Program(
                    [
                        "worker", "--id", "worker-1", "--coordinator", coordinator.endpoint, "--insecure", "--state",
                        "state/worker",
                    ],
                    in: tiny.folder, within: 60)
                let answer = Envelope(
                    run: run, sender: "coordinator", body: .runRecipe(Body.RunRecipe(recipe: recipe, number: 0)))
                try coordinator.answer(answer.encode())
                let outcome = try program.finish()
                #expect(outcome.exitCode == ExitCode.messageRejected.rawValue, "\(run)\n\(outcome.errors)")
                #expect(outcome.errors.contains("which cannot be a folder's name"), "\(outcome.errors)")
                let written = try FileManager.default.subpathsOfDirectory(atPath: tiny.folder.path)
                #expect(!written.contains { $0.contains("outside") || $0.hasSuffix("checkpoints") }, "\(written)")
            }
        }
    }
}
