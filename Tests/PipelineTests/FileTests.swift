import Diagnostics
import Foundation
import Pipeline
import Randomness
import Testing

@Suite("Schedule files")
struct FileTests {
    /// Printed with every failure.
    private static let seed: UInt64 = 10

    @Test("a written schedule reads back as it was, with its costs and cap", arguments: ScheduleKind.allCases)
    func roundTrip(kind: ScheduleKind) throws {
        var costs = Examples.lora(3)
        costs.bytesPerSecond = 1e9
        let schedule = try Schedule.make(kind, costs: costs, microBatches: 5, barrier: .ownStage)
        let file = ScheduleFile(schedule: schedule, costs: costs, capBytes: 1000)
        #expect(try ScheduleFile(json: Data(file.json().utf8), name: "x") == file)
        let bare = ScheduleFile(schedule: schedule)
        #expect(try ScheduleFile(json: Data(bare.json().utf8), name: "x") == bare)
    }

    @Test(
        "an operation reads back as it was written, and nothing else is one",
        arguments: ["F0.0", "F0.12+3", "F.7", "B.0", "W.65535", "step"])
    func operations(text: String) {
        #expect(StageOperation(text)?.description == text)
        for wrong in [text + ".", text + "+", "x" + text, text + " ", text.lowercased() + "!", text + "+0"] {
            #expect(StageOperation(wrong) == nil, "\(wrong)")
        }
        for wrong in [
            "", ".", "F", "F.", "F.-1", "F.+1", "F.65536", "F.99999999999999999999", "step.0", "F0", "F.1+1+1",
        ] {
            #expect(StageOperation(wrong) == nil, "\(wrong)")
        }
    }

    @Test("what is no schedule is refused with the place")
    func malformed() throws {
        let good = try #require(
            String(
                data: Data(
                    ScheduleFile(schedule: Schedule.make(.gpipe, costs: Examples.equal(2), microBatches: 2)).json().utf8
                ),
                encoding: .utf8))
        let cases: [(from: String, to: String, mentions: String)] = [
            ("\"all-stages\"", "\"none\"", "barrier"), ("F.1", "G.1", "stages.0.step has 'G.1'"),
            ("\"micro_batches\" : 2", "\"micro_batches\" : \"2\"", "micro_batches"),
            ("\"micro_batches\" : 2", "\"micro_batches\" : 9223372036854775807", "micro-batches"),
            ("\"schedule\"", "\"shedule\"", "schedule"), ("{", "[", "not JSON"),
            ("\"room\" : 0", "\"room\" : true", "room"),
        ]
        for (from, to, mentions) in cases {
            let bad = good.replacing(from, with: to)
            #expect(bad != good)
            do {
                _ = try ScheduleFile(json: Data(bad.utf8), name: "s.json")
                Issue.record("\(to) was read")
            } catch {
                #expect(error.problem.contains(mentions), "\(error.problem)")
            }
        }
        #expect(throws: ScheduleError.self) { try ScheduleFile(path: "/nowhere/s.json") }
    }

    @Test("files with damaged bytes are read or refused, and what is read is checked or refused: 4,000 of them")
    func damaged() throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "damaged")
        let costs = Examples.lora(2)
        let schedule = try Schedule.make(.permafrost, costs: costs, microBatches: 3)
        let good = Data(ScheduleFile(schedule: schedule, costs: costs, capBytes: 500).json().utf8)
        let tokens = ["-1", "9223372036854775807", "1e308", "null", "\"\"", "[]", "F0.0+16", "65536", "0", " "]
        var outcomes: Set<String> = []
        for _ in 0..<4000 {
            var bytes = Array(good)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 32...126, using: &generator)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 5))
                default:
                    let token = tokens.randomElement(using: &generator) ?? ""
                    // In place of a number if there is one.
                    let end = bytes[place...].firstIndex { !(48...57).contains($0) } ?? place
                    bytes.replaceSubrange(place..<end, with: token.utf8)
                }
            }
            do {
                let file = try ScheduleFile(json: Data(bytes), name: "damaged")
                let costs = file.costs ?? PipelineCosts(unitsFor: file.schedule)
                _ = try CheckedSchedule(file.schedule, costs: costs, capBytes: file.capBytes)
                _ = try ScheduleFigures(file.schedule, costs: costs)
                outcomes.insert("passed")
            } catch {
                outcomes.insert("\(error.exitCode)")
            }
        }
        #expect(outcomes == ["passed", "scheduleUnreadable", "scheduleBroken", "scheduleImpossible"])
    }
}
