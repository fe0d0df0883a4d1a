import ArgumentParser
import Pipeline
import Recipes
import Runs

extension Executor.Manner: ExpressibleByArgument {}

extension PipelineBench.Way: ExpressibleByArgument {
    /// A way by its name.
    public init?(argument: String) { self.init(name: argument) }

    /// Their names.
    public static var allValueStrings: [String] { all.map(\.name) }
}

/// A model that needs no file.
enum BenchShape: String, CaseIterable, ExpressibleByArgument {
    case gpt2Small = "gpt2-small"
}

/// `permafrost bench pipeline`.
struct BenchPipeline: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline",
        abstract: "Measures training steps by every schedule of a pipeline, and in one place.",
        discussion: """
            Examples:
              permafrost bench pipeline recipes/movies.yaml
              permafrost bench pipeline recipes/movies.yaml training.trainable=full --micro-batches 16
              permafrost bench pipeline --shape gpt2-small --ways one-place permafrost --rounds 5
              permafrost bench pipeline --shape gpt2-small training.trainable=full --stages 4 --manner emulated
              permafrost bench pipeline --shape gpt2-small model.frozen_blocks=6 --manner apart

            The recipe's model, adapters and optimizer on random activations, with as many threads as stages in every \
            case: one place gives each thread whole micro-batches. With --shape there is no recipe and nothing to \
            download: the weights are random too, every block trains, below a classifier.

            Blocks are cut by costs that are measured first. Predicted bubbles are simulated from these; measured ones \
            are the shares of a step's time in which stages' threads did none of the operations, medians of the steps. \
            Where model.frozen_blocks is above the smallest of devices.cuts, weak devices leave F0 of the blocks between \
            to the worker: of every micro-batch, two steps ahead, as work that fills gaps.

            helping   as in a run: a thread whose stage has to wait does the other stages' operations
            apart     as with a process for each stage: nobody helps
            emulated  operations run one after another, and when stages of their own would have done them is simulated, \
            each by the median of the processor's times that it took in the steps, for more stages than there are \
            processors; rates are without the optimizer's step
            """)

    @Argument(
        help: "The recipe, a YAML file, and KEY=VALUE overrides of it; with --shape overrides alone.",
        completion: .file(extensions: ["yaml", "yml"]))
    var arguments: [String] = []

    @Option(help: "A model with random weights in place of a recipe's.")
    var shape: BenchShape?

    @Option(parsing: .upToNextOption, help: "What is measured, in turn; everything if left out.")
    var ways: [PipelineBench.Way] = []

    @Option(help: "Rounds: ratios are of one round, figures are medians.")
    var rounds = 1

    @Option(help: "Stages.")
    var stages = 2

    @Option(help: "What threads have to do with stages.")
    var manner = Executor.Manner.helping

    @Option(help: "Micro-batches of a step, of one sequence each.")
    var microBatches = 8

    @Option(help: "Tokens of a sequence.")
    var tokens = 128

    @Option(help: "Steps of a round that are measured, after one that is not.")
    var steps = 6

    @Option(help: "How the answer is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func validate() throws {
        guard (2...16).contains(stages), (1...512).contains(microBatches), (1...4096).contains(tokens),
            (1...10_000).contains(steps), (1...1000).contains(rounds)
        else {
            throw ValidationError(
                "--stages is from 2 to 16, --micro-batches from 1 to 512, --tokens from 1 to 4096, --steps from 1 to 10000, --rounds from 1 to 1000."
            )
        }
        guard shape != nil || !arguments.isEmpty else {
            throw ValidationError("A recipe or --shape says what is measured.")
        }
        guard shape == nil || tokens <= 512 else {
            throw ValidationError("--tokens is at most 512 with --shape: half of the model's context.")
        }
    }

    func answer() throws {
        var options = PipelineBench.Options()
        if !ways.isEmpty { options.ways = ways }
        options.rounds = rounds
        options.stages = stages
        options.manner = manner
        options.microBatches = microBatches
        options.tokens = tokens
        options.steps = steps
        let console = Console(toErrors: format == .json)
        let bench =
            switch shape {
            case .gpt2Small: try PipelineBench(gpt2Small: arguments, options)
            case nil:
                try PipelineBench(
                    Recipe.load(file: arguments[0], overrides: Array(arguments.dropFirst())), options)
            }
        let report = try bench.run { console.line($0) }
        Console.print(
            format == .json ? jsonText(report, indented: true) : BenchText.pipeline(report).joined(separator: "\n"))
    }
}
