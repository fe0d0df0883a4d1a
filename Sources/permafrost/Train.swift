import ArgumentParser
import Runs

/// `permafrost train`.
struct Train: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains a recipe: coordinator, worker and simulated devices in this process.",
        discussion: """
            Examples:
              permafrost train recipes/movies-quick.yaml
              permafrost train recipes/movies-quick.yaml devices.partition=iid
              permafrost train recipes/movies-quick.yaml training.method=central

            The run's folder has the resolved recipe, metrics.jsonl, checkpoints, summary.json, and the adapter in \
            PEFT's format. Ctrl-C ends the run after the step under way and keeps the folder, from which 'permafrost \
            resume' goes on; a second one ends it at once.
            """)

    @OptionGroup var arguments: RecipeArguments

    @OptionGroup var tracing: TraceOptions

    @Option(help: "How the summary is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func answer() throws {
        let recipe = try arguments.load()
        let console = Console(toErrors: format == .json)
        console.line("recipe    \(recipe.name), seed \(recipe.seed)")
        let summary = try tracing.tracing(on: console) {
            try TrainingRun(recipe, trace: $0).runShowing(on: console, recipePath: arguments.recipe)
        }
        if format == .json { Console.print(jsonText(summary, indented: true)) }
    }
}
