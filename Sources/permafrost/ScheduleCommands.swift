import ArgumentParser
import Foundation
import Pipeline
import Runs

/// `permafrost schedule`.
struct ScheduleCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Shows and checks what the stages of a pipeline do, and in which order.",
        discussion: "docs/schedules.md says what the schedules are. Every figure is simulated.",
        subcommands: [SchedulePrint.self, ScheduleCheck.self])
}

extension ScheduleKind: ExpressibleByArgument {}
extension StepBarrier: ExpressibleByArgument {}
extension Partition.Placement: ExpressibleByArgument {}

/// `permafrost schedule print`.
struct SchedulePrint: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "print",
        abstract: "Makes a schedule and shows one step of it, its bubbles and its stash.",
        discussion: """
            Examples:
              permafrost schedule print --schedule zb-h1 --stages 4 --costs full
              permafrost schedule print --stages 2 --costs 1,1,1,0.1 0.5,1.2,1.2,0.1 --cap 300
              permafrost schedule print --stages 4 --blocks 6,6 --head 0.5,0.5 --svg step.svg
              permafrost schedule print --format json > schedule.json

            Costs are seconds, or any other unit, of F0,F,B,W for one micro-batch: once for all stages, or once for each. \
            The preset lora is 1,1,1,0.05 with a stash of 100,50,10, and full is 1,1,1,1 with 100,100,10: every stage \
            has as many frozen blocks to run for weak devices as blocks that train.

            With --blocks, costs are those of one block, and the blocks are cut into stages.

            In the drawing f is F0, time goes from left to right, and a dot is idle.
            """)

    @Option(help: "Which schedule.")
    var schedule = ScheduleKind.permafrost

    @OptionGroup var pipeline: PipelineArguments

    @Option(help: "Write the step as a picture to this file.", completion: .file(extensions: ["svg"]))
    var svg: String?

    @Option(help: "How the answer is printed; json is what 'schedule check' reads.")
    var format = OutputFormat.text

    func answer() throws {
        let (made, costs, partition) = try pipeline.schedule(schedule)
        let file = ScheduleFile(schedule: made, costs: costs, capBytes: pipeline.cap)
        let text = try ScheduleText(file, costs: costs, partition: partition)
        if let svg { try text.writePicture(to: svg) }
        Console.print(format == .json ? file.json(figures: text.figures) : text.lines.joined(separator: "\n"))
    }
}

/// `permafrost schedule check`.
struct ScheduleCheck: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Proves without devices that a schedule can be walked, or says which operation breaks which rule.",
        discussion: """
            Examples:
              permafrost schedule check schedule.json
              permafrost schedule check schedule.json --cap 300

            Every operation is there exactly once, and behind what it needs; nothing waits for ever; the stash keeps \
            under the cap. Where the file has no costs, every operation takes a second and no bytes.
            """)

    @Argument(
        help: "The schedule, as 'schedule print --format json' writes it.", completion: .file(extensions: ["json"]))
    var file: String

    @Option(help: "The most bytes that a stage may stash, in place of the file's own cap.")
    var cap: Int?

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        var file = try ScheduleFile(path: self.file)
        if let cap { file.capBytes = cap }
        let costs = file.costs ?? PipelineCosts(unitsFor: file.schedule)
        _ = try CheckedSchedule(file.schedule, costs: costs, capBytes: file.capBytes)
        let text = try ScheduleText(file, costs: costs, partition: nil)
        Console.print(
            format == .json
                ? file.json(figures: text.figures)
                : (["\(self.file) keeps every rule", ""] + text.lines).joined(separator: "\n"))
    }
}
