import ArgumentParser
import Foundation
import Recipes
import Support
import Testing

@testable import permafrost

private let root = Fixtures.folder.appendingPathComponent("../..").standardized
private let blocks = (try? CodeBlock.all(in: root)) ?? []

@Suite("Commands of the pages")
struct DocumentedCommandTests {
    @Test("a block is read as a shell reads it")
    func shellText() {
        let text = """
            # one command on two lines
            permafrost device --listen 'tcp://*:7071' \\
                --id "a b"   # and a comment
            CACHE=/tmp permafrost version | head > out.txt && permafrost doctor
            """
        #expect(
            ShellText(text).commands == [
                ["permafrost", "device", "--listen", "tcp://*:7071", "--id", "a b"],
                ["CACHE=/tmp", "permafrost", "version"], ["head"], ["permafrost", "doctor"],
            ])
        let block = CodeBlock(page: "p.md", line: 3, info: "sh", text: text)
        #expect(block.commands.map(\.arguments.first) == ["device", "version", "doctor"])
    }

    @Test("the pages show commands, and some of them are run")
    func pages() {
        #expect(blocks.flatMap(\.commands).count > 60)
        #expect(blocks.filter { $0.info == "sh run" }.flatMap(\.commands).count > 15)
        #expect(Set(blocks.map(\.page)).isSuperset(of: ["README.md", "docs/getting-started.md", "docs/operating.md"]))
    }

    @Test("every command of the pages is one that the program takes", arguments: blocks.flatMap(\.commands))
    func parses(command: DocumentedCommand) {
        do {
            _ = try Permafrost.parseAsRoot(command.arguments)
        } catch {
            // Help is a way to end well.
            #expect(Permafrost.exitCode(for: error) == .success, "\(Permafrost.message(for: error))")
        }
    }

    @Test(
        "every override of the pages fits its recipe",
        arguments: blocks.flatMap(\.commands).filter { $0.recipe != nil })
    func overrides(command: DocumentedCommand) throws {
        let recipe = try #require(command.recipe)
        #expect(throws: Never.self) {
            try Recipe.load(file: root.appendingPathComponent(recipe).path, overrides: command.overrides)
        }
    }

    @Test(
        "blocks marked 'sh run' run from the first of a page to its last, in a folder with recipes and fixtures",
        arguments: Set(blocks.filter { $0.info == "sh run" }.map(\.page)).sorted())
    func runs(page: String) throws {
        try Fixtures.withTemporaryFolder { folder in
            for name in ["recipes", "Tests"] {
                try FileManager.default.createSymbolicLink(
                    at: folder.appendingPathComponent(name), withDestinationURL: root.appendingPathComponent(name))
            }
            for block in blocks where block.page == page && block.info == "sh run" {
                let outcome = try Program.shell(block.text, in: folder)
                #expect(
                    outcome.exitCode == 0 && !outcome.wasKilled,
                    "\(page):\(block.line) ends with \(outcome.exitCode):\n\(outcome.output)\(outcome.errors)")
            }
        }
    }
}
