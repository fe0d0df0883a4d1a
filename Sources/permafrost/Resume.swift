import ArgumentParser
import Runs

/// `permafrost resume`.
struct Resume: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Goes on with a run or a comparison that was interrupted, killed or lost.",
        discussion: """
            Examples:
              permafrost resume runs/movies-quick-20260101-120000

            A run goes on after its newest checkpoint. What is trained in the end is bit for bit what it would have been \
            without the interruption. A checkpoint that is not whole is skipped with a message, and the one before it is \
            taken. A comparison goes on with the runs that have not ended, and gives the same tables.
            """)

    @Argument(help: "The run's folder.", completion: .directory)
    var run: String

    @OptionGroup var tracing: TraceOptions

    @Option(help: "How the summary is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func answer() throws {
        guard !ComparisonRun.isComparison(run) else { return try ComparisonRun(resuming: run).answer(format) }
        let console = Console(toErrors: format == .json)
        let summary = try tracing.tracing(on: console) { trace in
            let training = try TrainingRun(resuming: run, trace: trace) { folder, error in
                console.line("skipped   \(folder): \(error.problem)")
            }
            console.line("resume    \(run) after step \(Figures.count(training.startStep))")
            return try training.runShowing(on: console, recipePath: "\(run)/recipe.yaml")
        }
        if format == .json { Console.print(jsonText(summary, indented: true)) }
    }
}

extension TrainingRun {
    /// Runs to the end, shown on the console; the first Ctrl-C or SIGTERM stops it after the step under way.
    func runShowing(on console: Console, recipePath: String) throws -> RunSummary {
        let signals = StopSignals { [self] _ in
            console.line("stopping after the step under way; press Ctrl-C again to stop at once")
            stop()
        }
        defer { signals.cancel() }
        return try run(observer: TrainingPrinter(console, recipePath: recipePath).show)
    }
}
