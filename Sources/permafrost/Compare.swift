import ArgumentParser
import Experiments
import Recipes
import Runs

/// `permafrost compare`.
struct Compare: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains methods side by side on a described fleet, and writes a report. Times are simulated.",
        discussion: """
            Examples:
              permafrost compare recipes/compare-quick.yaml
              permafrost compare recipes/compare.yaml compare.seeds=[1] 'compare.methods=[splitfrozen, fedlora]'

            Every method of compare.methods trains on every spread of labels of compare.imbalances, once for each seed, \
            after a sweep of learning rates. Gradients and payloads are real; times come from the devices that \
            compare.fleet describes. The folder has report/index.html, which is up to date after every run, with \
            results.json, results.csv and devices.csv; scripts/plot draws the figures anew from these.

            Ctrl-C ends the comparison after the step under way. 'permafrost resume' goes on with the runs that have not \
            ended, also after a kill, and gives the same tables. docs/comparing.md says more.
            """)

    @OptionGroup var arguments: RecipeArguments

    @Option(help: "How the tables are printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func answer() throws { try ComparisonRun(arguments.load()).answer(format) }
}

extension ComparisonRun {
    /// Runs to the end, shown on the console, and prints the tables; the first Ctrl-C or SIGTERM stops it.
    func answer(_ format: OutputFormat) throws {
        let console = Console(toErrors: format == .json)
        let signals = StopSignals { [self] _ in
            console.line("stopping after the step under way; press Ctrl-C again to stop at once")
            stop()
        }
        defer { signals.cancel() }
        let (comparison, folder) = try run(observer: ComparisonText(console).show)
        if format == .json {
            Console.print(jsonText(ComparisonAnswer(comparison), indented: true))
        } else {
            Console.print(ComparisonText.tables(comparison).joined(separator: "\n"))
            Console.print("\nreport: \(folder)/report/index.html")
        }
    }
}
