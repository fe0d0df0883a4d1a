import ArgumentParser
import Diagnostics
import Foundation
import Ledger
import Runs

/// `permafrost run`.
struct RunCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Lists a coordinator's runs, says how they stand, follows and stops them.",
        subcommands: [RunList.self, RunInformation.self, RunLogs.self, RunStop.self])
}

/// `permafrost run ls`.
struct RunList: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "Lists all runs of a coordinator, the newest first.")

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let runs = try state.ledger(.reading).runs()
        if format == .json { return Console.print(jsonText(runs.map(RunAnswer.init), indented: true)) }
        var table = TextTable([
            ("RUN", .left), ("STATE", .left), ("STEPS", .right), ("RECIPE", .left), ("BEGUN (UTC)", .left),
            ("REASON", .left),
        ])
        for run in runs {
            table.add([
                run.id, run.state.rawValue, "\(run.step)" + (run.plannedSteps.map { "/\($0)" } ?? ""), run.recipeName,
                Figures.moment(run.begun), run.reason ?? "",
            ])
        }
        Console.print(runs.isEmpty ? "no run yet" : table.lines.joined(separator: "\n"))
    }
}

/// `permafrost run logs`.
struct RunLogs: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Prints what happened in a run: the newest one if none is named.")

    /// How often new events are looked for.
    private static let interval = 0.5
    /// Events that are in memory at a time.
    private static let piece = 1000

    @Argument(help: "The run's id.")
    var run: String?

    @Flag(help: "Go on until the run has ended.")
    var follow = false

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed; json is one object per line.")
    var format = OutputFormat.text

    func answer() throws {
        let ledger = try state.ledger(.reading)
        let id = try state.run(run, in: ledger).id
        var last: Int64 = 0
        while true {
            // Asked before the events are read: what a run ends with is among them.
            let isOver = try ledger.run(id).state.isOver
            while let events = try Optional(ledger.events(of: id, after: last, limit: Self.piece)), !events.isEmpty {
                for event in events { Console.print(format == .json ? jsonText(event) : Self.line(event)) }
                last = events.last?.id ?? last
            }
            guard follow, !isOver else { return }
            Thread.sleep(forTimeInterval: Self.interval)
        }
    }

    private static func line(_ event: EventRecord) -> String {
        let level = event.level.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0)
        return "\(Figures.moment(event.time))  \(level)  \(event.role) \(event.source)  \(event.text)".printable
    }
}

/// `permafrost run stop`.
struct RunStop: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Asks the coordinator to end a run after the step under way: the newest one if none is named.")

    @Argument(help: "The run's id.")
    var run: String?

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        // A reader finds out that there is no ledger; an operator would make one.
        let id = try state.run(run, in: state.ledger(.reading)).id
        try state.ledger(.operations).orderStop(of: id)
        Console.print(
            format == .json
                ? jsonText(["ordered": "stop", "run": id])
                : "\(id) is to end after the step under way\nnext      \(state.next("run logs \(id) --follow"))")
    }
}

/// A run without its recipe's text.
struct RunAnswer: Encodable {
    let id: String
    let recipe: String
    let seed: UInt64
    let state: RecordedRun.State
    let step: Int
    let plannedSteps: Int?
    let begun: Double
    let ended: Double?
    let exitCode: Int32?
    let reason: String?

    init(_ run: RecordedRun) {
        id = run.id
        recipe = run.recipeName
        seed = run.seed
        state = run.state
        step = run.step
        plannedSteps = run.plannedSteps
        begun = run.begun
        ended = run.ended
        exitCode = run.exitCode
        reason = run.reason
    }
}
