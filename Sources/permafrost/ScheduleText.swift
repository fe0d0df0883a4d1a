import Diagnostics
import Foundation
import Pipeline
import Runs

/// A schedule as people read it: one step of a long run, and figures.
struct ScheduleText {
    /// Columns of a drawing that goes to no terminal.
    private static let plainColumns = 100

    let lines: [String]
    let figures: ScheduleFigures
    private let picture: GanttPicture

    /// - Throws: `ScheduleError`.
    init(_ file: ScheduleFile, costs: PipelineCosts, partition: Partition?) throws {
        let schedule = file.schedule
        figures = try ScheduleFigures(schedule, costs: costs)
        let timetable = try Timetable.steady(schedule, costs: costs)
        let (begin, end) = timetable.steadyStep(schedule)
        let label = "stage \(schedule.stages.count - 1) ||".count
        let columns = max(20, (Console.screen?.columns ?? Self.plainColumns + label) - label)
        let size = "\(Figures.count(schedule.stages.count, "stage")), \(schedule.microBatches) micro-batches"
        // Letters alone: the name of a schedule that was read can be anything.
        let name = String(schedule.name.filter { $0.isLetter || $0.isNumber || $0 == "-" }.prefix(40))
        picture = GanttPicture(timetable, title: "\(name), \(size), simulated", from: begin, to: end)
        lines =
            ["simulated: \(name), \(size)", ""]
            + GanttText(timetable, from: begin, to: end, columns: columns).lines + [""]
            + Self.table(figures, costs, partition) + [""] + Self.summary(figures, partition, file.capBytes)
    }

    /// - Throws: `ScheduleError.unwritable`.
    func writePicture(to path: String) throws {
        do {
            try Foundation.Data(picture.svg.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw ScheduleError.unwritable(file: path, reason: systemReason(of: error))
        }
    }

    private static func table(
        _ figures: ScheduleFigures, _ costs: PipelineCosts, _ partition: Partition?
    ) -> [String] {
        let cuts: [(String, TextTable.Side)] = partition == nil ? [] : [("FROZEN", .right), ("TRAINABLE", .right)]
        var table = TextTable(
            [("STAGE", .right)] + cuts + [
                ("F0", .right), ("F", .right), ("B", .right), ("W", .right), ("BUBBLE", .right), ("STASH", .right),
            ])
        for (number, stage) in costs.stages.enumerated() {
            let blocks = partition.map { [range($0.stages[number].frozen), range($0.stages[number].trainable)] } ?? []
            let seconds = [stage.frozenForward, stage.forward, stage.backwardInput, stage.backwardWeights]
            table.add(
                ["\(number)"] + blocks + seconds.map { Figures.decimal($0, 2) } + [
                    Figures.percent(figures.bubbleRatios[number]), Figures.count(figures.stashBound[number]),
                ])
        }
        return table.lines
    }

    private static func summary(_ figures: ScheduleFigures, _ partition: Partition?, _ cap: Int?) -> [String] {
        var step = "step \(Figures.decimal(figures.stepSeconds, 2)), bubble \(Figures.percent(figures.bubbleRatio))"
        if let partition { step += "; no schedule of any cuts below \(Figures.decimal(partition.leastStepSeconds, 2))" }
        let most = Figures.count(figures.stashBound.max() ?? 0)
        return [step, "stash at most \(most)" + (cap.map { " of \(Figures.count($0))" } ?? "")]
    }

    private static func range(_ blocks: Range<Int>) -> String {
        blocks.isEmpty ? "-" : "\(blocks.lowerBound + 1)-\(blocks.upperBound)"
    }
}
