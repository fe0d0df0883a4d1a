import Foundation
import Support
import Testing

@Suite("The command tree")
struct CommandTreeTests {
    /// A changed command, flag or help text shows as a difference in these files. To record them anew, run the tests
    /// with `PERMAFROST_RECORD=1`.
    @Test(
        "help is what the recorded files say",
        arguments: [
            "", "train", "resume", "coordinator", "worker", "device", "gateway", "eval", "generate", "health", "drain",
            "export", "inspect", "data", "compare", "simulate", "schedule", "schedule print", "schedule check",
            "validate", "run", "run ls", "run info", "run logs", "run stop", "queue", "queue ls", "queue info",
            "queue peek", "queue purge", "queue dead", "devices", "devices ls", "devices enroll", "devices revoke",
            "workers", "workers ls", "workers drain", "top", "bench", "bench device", "bench ops", "bench pipeline",
            "bench queue", "bench ranks", "bench training", "keys", "keys generate", "keys show", "doctor", "version",
        ])
    func help(command: String) throws {
        try Fixtures.withTemporaryFolder { folder in
            let words = command.split(separator: " ").map(String.init)
            let arguments = words + ["--help"]
            let outcome = try Program(arguments, in: folder, environment: ["COLUMNS": "100"]).finish()
            #expect(outcome.exitCode == 0)
            let name = command.isEmpty ? "permafrost" : words.joined(separator: "-")
            let file = Fixtures.folder.appendingPathComponent("help/\(name).txt")
            if ProcessInfo.processInfo.environment["PERMAFROST_RECORD"] == "1" {
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try outcome.output.write(to: file, atomically: true, encoding: .utf8)
            }
            #expect(try outcome.output == String(contentsOf: file, encoding: .utf8))
        }
    }

    @Test("every command that the help lists is recorded")
    func complete() throws {
        let folder = Fixtures.folder.appendingPathComponent("help")
        let recorded = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let listed = try recorded.flatMap { file in
            let group = file == "permafrost.txt" ? "" : file.dropLast(4) + "-"
            let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
            return text.matches(of: #/\n  ([a-z]+)  /#).map { "\(group)\($0.output.1).txt" }
        }
        #expect(Set(recorded) == Set(listed + ["permafrost.txt"]))
    }

    @Test("validate prints a resolved recipe that validates to itself")
    func validate() throws {
        try TinyModel.use { tiny in
            let first = try tiny.run("validate", "recipe.yaml", "training.epochs=3", "devices.partition=dirichlet(0.5)")
            #expect(first.exitCode == 0)
            #expect(first.output.contains("\n  epochs: 3\n"))
            try first.output.write(to: tiny.path("resolved.yaml"), atomically: true, encoding: .utf8)
            #expect(try tiny.run("validate", "resolved.yaml").output == first.output)
            let json = try tiny.run("validate", "resolved.yaml", "--format", "json")
            #expect(try JSON(json.output).text("recipe") + "\n" == first.output)
        }
    }

    @Test("validate --keys lists every key, in text and in JSON")
    func keys() throws {
        try Fixtures.withTemporaryFolder { folder in
            let text = try Program.run(["validate", "--keys"], in: folder).output
            let json = try Program.run(["validate", "--keys", "--format", "json"], in: folder).output
            let keys = try #require(
                try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
            #expect(keys.count > 40)
            for key in keys {
                let name = try #require(key["key"] as? String)
                #expect(text.contains("\(name)  ("), "\(name)")
                let choices = try #require(key["choices"] as? [[String: String]])
                for choice in choices {
                    #expect(text.contains("      \(choice["name"] ?? ""): \(choice["meaning"] ?? "")\n"), "\(name)")
                }
            }
        }
    }

    @Test("doctor looks at every part of the machine, and finds nothing that cannot run")
    func doctor() throws {
        try Fixtures.withTemporaryFolder { folder in
            let outcome = try Program(
                ["doctor", "--format", "json"], in: folder, environment: ["PERMAFROST_CACHE": folder.path]
            ).finish()
            #expect(outcome.exitCode == 0)
            let checks = try #require(
                try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]])
            let states = Dictionary(
                uniqueKeysWithValues: checks.map { ($0["name"] as? String ?? "", $0["state"] as? String ?? "") })
            #expect(
                Set(states.keys) == ["processor", "memory", "products", "messages", "disk", "model", "data"])
            #expect(!states.values.contains("failed"))
            #expect(states["model"] == "warning" && states["data"] == "warning", "an empty cache holds neither")
            #expect(checks.allSatisfy { ($0["state"] as? String == "good") == ($0["remedy"] == nil) })
        }
    }

    @Test("version is the same everywhere")
    func version() throws {
        try Fixtures.withTemporaryFolder { folder in
            let number = try JSON(Program.run(["version", "--format", "json"], in: folder).output).text("version")
            #expect(try Program.run(["version"], in: folder).output == "permafrost \(number)\n")
            #expect(try Program.run(["--version"], in: folder).output == "\(number)\n")
        }
    }
}
