import ArgumentParser
import Recipes
import Runs

/// `permafrost bench pipeline`.
struct BenchPipeline: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline",
        abstract: "Measures a recipe's training steps by every schedule of a pipeline, and in one place.",
        discussion: """
            Examples:
              permafrost bench pipeline recipes/movies.yaml
              permafrost bench pipeline recipes/movies.yaml training.trainable=full --micro-batches 16
              permafrost bench pipeline recipes/movies.yaml --stages 2 --format json

            The recipe's model, adapters and optimizer on random activations, with as many threads as stages in every \
            case: one place gives each thread whole micro-batches. Blocks are cut by costs that are measured first. \
            Predicted bubbles are simulated from these; measured ones are the shares of the steps' time in which stages \
            did none of their operations. There is no F0 here: what devices left out is in the store. More stages than \
            processors measure waiting for processors.
            """)

    @Argument(help: "The recipe, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String

    @Argument(help: "KEY=VALUE overrides of the recipe.")
    var overrides: [String] = []

    @Option(help: "Stages.")
    var stages = 2

    @Option(help: "Micro-batches of a step, of one sequence each.")
    var microBatches = 8

    @Option(help: "Tokens of a sequence.")
    var tokens = 128

    @Option(help: "Steps that are measured of each way, after two that are not.")
    var steps = 6

    @Option(help: "How the answer is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func validate() throws {
        guard (2...16).contains(stages), (1...512).contains(microBatches), (1...4096).contains(tokens),
            (1...10_000).contains(steps)
        else {
            throw ValidationError(
                "--stages is from 2 to 16, --micro-batches from 1 to 512, --tokens from 1 to 4096, --steps from 1 to 10000."
            )
        }
    }

    func answer() throws {
        let recipe = try Recipe.load(file: recipe, overrides: overrides)
        var options = PipelineBench.Options()
        options.stages = stages
        options.microBatches = microBatches
        options.tokens = tokens
        options.steps = steps
        let console = Console(toErrors: format == .json)
        let report = try PipelineBench(recipe, options).run { console.line($0) }
        Console.print(
            format == .json ? jsonText(report, indented: true) : BenchText.pipeline(report).joined(separator: "\n"))
    }
}
