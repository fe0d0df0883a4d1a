import Diagnostics
import Foundation
import Support
import Testing

@Suite("permafrost schedule")
struct ScheduleTests {
    @Test(
        "what print writes as JSON, check passes with the same figures",
        arguments: ["gpipe", "1f1b", "zb-h1", "zb-h2", "permafrost"])
    func roundTrip(kind: String) throws {
        try Fixtures.withTemporaryFolder { folder in
            let arguments = ["schedule", "print", "--schedule", kind, "--stages", "3", "--micro-batches", "4"]
            let printed = try Program.run(arguments + ["--format", "json"], in: folder)
            #expect(printed.exitCode == 0, "\(printed.errors)")
            try printed.output.write(
                to: folder.appendingPathComponent("schedule.json"), atomically: true, encoding: .utf8)
            let checked = try Program.run(["schedule", "check", "schedule.json", "--format", "json"], in: folder)
            #expect(checked.exitCode == 0 && checked.output == printed.output)
            let text = try Program.run(["schedule", "check", "schedule.json"], in: folder)
            #expect(text.output.hasPrefix("schedule.json keeps every rule\n"))
            #expect(try text.output.hasSuffix(Program.run(arguments, in: folder).output))
        }
    }

    @Test("blocks are cut into stages, and the picture is written beside the answer")
    func blocks() throws {
        try Fixtures.withTemporaryFolder { folder in
            let outcome = try Program.run(
                ["schedule", "print", "--stages", "2", "--blocks", "4,6", "--head", "0.5,0.5", "--svg", "step.svg"],
                in: folder)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("TRAINABLE") && outcome.output.contains("no schedule of any cuts below"))
            let picture = try String(contentsOf: folder.appendingPathComponent("step.svg"), encoding: .utf8)
            #expect(picture.hasPrefix("<svg") && picture.contains("F0 of micro-batch"))
        }
    }

    @Test("a broken rule, a cap that cannot be kept and a file that is no schedule end with their numbers and a remedy")
    func refused() throws {
        try Fixtures.withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("schedule.json")
            let good = try Program.run(["schedule", "print", "--schedule", "zb-h1", "--format", "json"], in: folder)
                .output
            let broken = good.replacing("W.3", with: "X").replacing("B.3", with: "W.3").replacing("X", with: "B.3")
            for (text, arguments, code, mentions) in [
                (broken, ["check", "schedule.json"], ExitCode.scheduleBroken, "stands before B.3"),
                (good, ["check", "schedule.json", "--cap", "10"], .scheduleBroken, "Raise the cap to 480 bytes"),
                ("{}", ["check", "schedule.json"], .scheduleUnreadable, "schedule.json is no schedule"),
                ("", ["check", "nowhere.json"], .scheduleUnreadable, "nowhere.json cannot be read"),
                ("", ["print", "--cap", "10"], .scheduleImpossible, "Raise the cap to 110 bytes"),
                ("", ["print", "--stages", "65"], .scheduleImpossible, "1 to 64"),
                ("", ["print", "--costs", "1,2,3"], .usage, "4 numbers"),
                ("", ["print", "--costs", "1,2,3,nan"], .usage, "4 numbers"),
                ("", ["print", "--head", "1,1"], .usage, "--blocks"),
            ] {
                try text.write(to: file, atomically: true, encoding: .utf8)
                let outcome = try Program.run(["schedule"] + arguments, in: folder)
                #expect(outcome.exitCode == code.rawValue && !outcome.wasKilled, "\(arguments): \(outcome.errors)")
                #expect(outcome.errors.contains(mentions), "\(outcome.errors)")
            }
        }
    }
}
