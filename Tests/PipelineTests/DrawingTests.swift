import Foundation
import Pipeline
import Testing

@Suite("Drawings and golden files")
struct DrawingTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("golden")

    /// What is recorded of a schedule: its lists, a drawing of a step, and figures.
    private func record(_ schedule: Schedule, _ costs: PipelineCosts) throws -> String {
        let figures = try ScheduleFigures(schedule, costs: costs)
        let timetable = try Timetable.steady(schedule, costs: costs)
        let step = timetable.steadyStep(schedule)
        let drawing = GanttText(timetable, from: step.begin, to: step.end, columns: 96)
        var lines = drawing.lines
        for (number, stage) in schedule.stages.enumerated() {
            lines.append("")
            lines.append("stage \(number), room \(stage.room)")
            lines.append("  before: " + stage.prologue.map(\.description).joined(separator: " "))
            lines.append("  step:   " + stage.step.map(\.description).joined(separator: " "))
        }
        let shown = { (value: Double) in String(format: "%.3f", value) }
        lines += [
            "",
            "step \(shown(figures.stepSeconds)), alone \(shown(figures.makespanSeconds)), bubble "
                + "\(shown(figures.bubbleRatio)) (" + figures.bubbleRatios.map(shown).joined(separator: " ") + ")",
            "stash " + figures.stashBound.map(String.init).joined(separator: " "),
        ]
        return lines.map { $0.hasSuffix(" ") ? String($0.dropLast()) : $0 }.joined(separator: "\n") + "\n"
    }

    @Test(
        "schedules are what the golden files say; PERMAFROST_RECORD=1 writes them anew",
        arguments: ScheduleKind.allCases, [(2, 4), (4, 8)])
    func golden(kind: ScheduleKind, size: (stages: Int, microBatches: Int)) throws {
        for (name, costs) in [("lora", Examples.lora(size.stages)), ("full", Examples.full(size.stages))] {
            let schedule = try Schedule.make(kind, costs: costs, microBatches: size.microBatches)
            let text = try record(schedule, costs)
            let file = Self.folder.appendingPathComponent(
                "\(kind.rawValue)-\(name)-\(size.stages)x\(size.microBatches).txt")
            if ProcessInfo.processInfo.environment["PERMAFROST_RECORD"] == "1" {
                try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
            #expect(try text == String(contentsOf: file, encoding: .utf8), "\(file.lastPathComponent)")
        }
    }

    @Test("a drawing has a row for each stage, and as many idle columns as the bubble says")
    func idle() throws {
        let costs = Examples.equal(3)
        let schedule = try Schedule.make(.zeroBubble1, costs: costs, microBatches: 4)
        let timetable = try Timetable(schedule, costs: costs, steps: 1)
        let lines = GanttText(timetable, from: 0, to: 14, columns: 28).lines
        #expect(lines.count == 3)
        #expect(lines[0] == "stage 0 |F0F1F2....B0W0F3B1W1B2W2B3W3|")
        #expect(lines[2] == "stage 2 |....F0B0F1B1F2B2W0F3B3W1W2W3|")
        #expect(timetable.makespan == 14)
    }

    @Test("a picture is well-formed and has a box for every operation")
    func picture() throws {
        let costs = Examples.lora(2)
        let schedule = try Schedule.make(.permafrost, costs: costs, microBatches: 4)
        let timetable = try Timetable.steady(schedule, costs: costs)
        let step = timetable.steadyStep(schedule)
        let svg = GanttPicture(timetable, title: "permafrost", from: step.begin, to: step.end).svg
        // Two stages of four F0, F, B and W each; the optimizer's step takes no time.
        #expect(svg.matches(of: /<title>/).count == 2 * 4 * 4)
        #expect(svg.matches(of: /<rect/).count == svg.matches(of: /<rect[^<>]*\/>|<rect[^<>]*><title>/).count)
        #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }
}
