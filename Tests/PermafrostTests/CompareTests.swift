import Diagnostics
import Foundation
import Testing

@Suite("permafrost compare")
struct CompareTests {
    private static let arguments = [
        "compare", "recipe.yaml", "compare.fleet=fleet.yaml", "compare.seeds=[1]", "compare.token_budget=200",
        "compare.imbalances=[iid, one-label-per-device]", "compare.evaluations=2", "compare.sweep=[]",
        "compare.local_steps=2", "compare.probe_pairs=2", "evaluation.samples=20",
        "compare.methods=[central, splitfrozen, splitlora, splitlora-reference, fedlora, fedlora-fair, hosl, hosl-code, zo, soft]",
    ]

    /// A folder with the tiny model and a fleet of two classes.
    private func use(board: String = "", _ body: (TinyModel) throws -> Void) throws {
        try TinyModel.use { tiny in
            try """
            name: pair
            classes:
                board: {like: single-board, count: 2\(board)}
                laptop: {like: laptop, count: 2}
            """.write(to: tiny.path("fleet.yaml"), atomically: true, encoding: .utf8)
            try body(tiny)
        }
    }

    private func tables(_ output: String) throws -> Substring {
        let begin = try #require(output.firstRange(of: "\n\niid  (")).lowerBound
        let end = try #require(output.firstRange(of: "\n\nreport: ")).lowerBound
        return output[begin..<end]
    }

    @Test("every method has a row in every table, and resuming what has ended prints the same tables")
    func everyMethod() throws {
        try use { tiny in
            let outcome = try Program.run(Self.arguments, in: tiny.folder)
            try #require(outcome.exitCode == 0, "\(outcome.errors)")
            let shown = try tables(outcome.output)
            for name in ["central", "splitfrozen", "splitlora-reference", "fedlora-fair", "hosl-code", "zo", "soft"] {
                #expect(shown.matches(of: try Regex("\n\(name) +[0-9.]+ ")).count == 2, "\(name) in \(shown)")
            }
            let folder = try tiny.onlyRun()
            let page = try String(contentsOf: folder.appendingPathComponent("report/index.html"), encoding: .utf8)
            #expect(page.contains("simulated"))
            let again = try tiny.run("resume", "runs/\(folder.lastPathComponent)")
            #expect(again.exitCode == 0, "\(again.errors)")
            #expect(try tables(again.output) == shown)
        }
    }

    @Test("a class that cannot hold what a method needs is refused with its line, before anything has run")
    func tooSmall() throws {
        try use(board: ", memory_bytes: 1MiB") { tiny in
            let outcome = try Program.run(Self.arguments, in: tiny.folder)
            #expect(outcome.exitCode == ExitCode.recipeImpossibleValue.rawValue)
            #expect(outcome.errors.contains("fleet.yaml:3:"), "\(outcome.errors)")
            #expect(outcome.errors.contains("classes.board.memory_bytes"))
            #expect(!outcome.output.contains("\nrun 1/"))
        }
    }

    @Test("a recipe that names no fleet is refused")
    func noFleet() throws {
        try TinyModel.use { tiny in
            let outcome = try tiny.run("compare", "recipe.yaml")
            #expect(outcome.exitCode == ExitCode.recipeImpossibleValue.rawValue)
            #expect(outcome.errors.contains("compare.fleet"))
        }
    }
}
