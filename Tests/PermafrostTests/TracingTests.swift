import Diagnostics
import Foundation
import Support
import Testing

@Suite("--trace, and what stages tell")
struct TracingTests {
    private static let staged = ["model.frozen_blocks=2", "devices.cuts=[2,1,0,0]", "pipeline.stages=2"]

    private func events(_ file: URL) throws -> [[String: Any]] {
        try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]])
    }

    @Test("train, and resume after a kill, write a trace each, and a file that cannot be written is refused at once")
    func train() throws {
        try TinyModel.use { tiny in
            let refused = try tiny.run("train", "recipe.yaml", "--trace", "nowhere/trace.json")
            #expect(refused.exitCode == ExitCode.runFolderUnwritable.rawValue && refused.errors.contains("--trace"))
            #expect(!FileManager.default.fileExists(atPath: tiny.path("runs").path))
            let program = try Program(
                ["train", "recipe.yaml", "training.checkpoint_steps=5", "--trace", "first.json"] + Self.staged,
                in: tiny.folder, environment: [Failpoint.variable: "before-optimizer-step:12"])
            #expect(try program.finish().wasKilled)
            let resumed = try tiny.run("resume", try tiny.onlyRun().path, "--trace", "second.json")
            #expect(resumed.exitCode == 0 && resumed.output.contains("\ntrace     second.json, "))
            let found = try events(tiny.path("second.json"))
            #expect(found.contains { $0["name"] as? String == "checkpoint" })
            let summary = try JSON(contentsOf: tiny.onlyRun().appendingPathComponent("summary.json"))
            #expect(try summary.inner("pipeline").count("stages") == 2)
            #expect(try summary.number("frozen_forward_seconds") > 0)
        }
    }

    @Test("the worker of a distributed run tells its coordinator what its stages do, and run info prints it")
    func distributed() throws {
        try TinyModel.use { tiny in
            let cluster = try Cluster(
                tiny, Self.staged + ["training.epochs=2"],
                options: { ["--trace", "\($0).json"] })
            cluster.start()
            try cluster.finish()
            for (role, names) in [
                ("worker-1", ["F", "F0", "received", "stored", "acknowledged", "optimizer step", "checkpoint"]),
                ("device-3", ["F0", "sent", "acknowledged", "credit"]),
            ] {
                let found = Set(try events(tiny.path("\(role).json")).compactMap { $0["name"] as? String })
                #expect(found.isSuperset(of: names), "\(role): \(found)")
            }
            // What the measured times have chosen may do B and W in one.
            let backward = Set(try events(tiny.path("worker-1.json")).compactMap { $0["name"] as? String })
            #expect(backward.contains("B+W") || backward.isSuperset(of: ["B", "W"]))
            let text = try tiny.run("run", "info", "--state", "coordinator").output
            #expect(text.contains("pipeline   permafrost, bubble ") && text.contains("stage 2  blocks "), "\(text)")
            #expect(text.contains("F0         "))
            let folder = try cluster.runFolder(of: cluster.workers[0])
            let summary = try JSON(contentsOf: folder.appendingPathComponent("summary.json"))
            #expect(try summary.inner("pipeline").count("stages") == 2)
            let lines = cluster.workers[0].log.split(separator: "\n").filter { $0.hasPrefix("step ") }
            #expect(lines.allSatisfy { $0.contains("  bubble ") } && !lines.isEmpty)
        }
    }

    @Test("a cap that no cut can keep is refused by validate and by train, with the smallest that one can")
    func cap() throws {
        try TinyModel.use { tiny in
            func run(_ command: String, _ cap: String) throws -> Program.Outcome {
                try Program.run(
                    [command, "recipe.yaml", "training.epochs=1", "pipeline.memory=\(cap)"] + Self.staged,
                    in: tiny.folder)
            }
            let refused = try run("validate", "1KiB"), code = ExitCode.scheduleImpossible.rawValue
            #expect(refused.exitCode == code && refused.errors.contains("more than the cap of 1024"))
            let smallest = try #require(refused.errors.firstMatch(of: /Raise the cap to (\d+) bytes/)).1
            #expect(try run("validate", String(smallest)).exitCode == 0)
            #expect(try run("train", "1KiB").errors == refused.errors)
            #expect(try run("train", String(smallest)).exitCode == 0)
            // What is not on this machine cannot be known.
            try FileManager.default.removeItem(at: tiny.path("tiny.gguf"))
            #expect(try run("validate", "1KiB").exitCode == 0)
        }
    }
}
