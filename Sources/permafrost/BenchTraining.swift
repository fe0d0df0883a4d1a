import ArgumentParser
import Runs

extension TrainingBench.Part: ExpressibleByArgument {}

/// `permafrost bench training`.
struct BenchTraining: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "training",
        abstract: "Measures whole training steps, or what a device computes of them.",
        discussion: """
            Examples:
              permafrost bench training gpt2-small model.frozen_blocks=6 lora.targets=[c_attn]
              permafrost bench training gpt2-small model.frozen_blocks=6 model.base_dtype=bf16 --part device
              permafrost bench training gpt2-small model.frozen_blocks=6 --batch 1 --tokens 1024 --steps 3

            FOLDER is a model in the hub's layout, of which no tokenizer is read: the tokens follow a rule. Each step \
            is the embedding, F0 of the frozen blocks, F, B and W of those above, and the optimizer's step; label words \
            are the head. 'scripts/bench' measures PyTorch with PEFT on the same folder and tokens beside it.
            """)

    @Argument(help: "The model's folder.", completion: .directory)
    var folder: String

    @Argument(help: "KEY=VALUE settings of a recipe, such as model.frozen_blocks=6.")
    var overrides: [String] = []

    @Option(help: "What is measured: training steps, or what a device computes of a batch.")
    var part = TrainingBench.Part.training

    @Option(help: "Sequences of a batch.")
    var batch = 8

    @Option(help: "Tokens of a sequence.")
    var tokens = 128

    @Option(
        help: "Tokens of each sequence, such as 12,31,9, in place of --batch and --tokens.",
        transform: BenchTraining.lengths)
    var lengths: [Int]?

    @Option(help: "Steps that are measured, after two that are not.")
    var steps = 6

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func validate() throws {
        guard (1...4096).contains(batch), (1...8192).contains(tokens), (1...10_000).contains(steps) else {
            throw ValidationError(
                "--batch is from 1 to 4096, --tokens from 1 to 8192, --steps from 1 to 10000.")
        }
    }

    private static func lengths(_ text: String) throws -> [Int] {
        let lengths = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard (1...4096).contains(lengths.count), lengths.allSatisfy({ (1...8192).contains($0) }) else {
            throw ValidationError("--lengths are up to 4096 numbers from 1 to 8192, separated by commas.")
        }
        return lengths
    }

    func answer() throws {
        var options = TrainingBench.Options()
        options.part = part
        options.lengths = lengths ?? Array(repeating: tokens, count: batch)
        options.steps = steps
        let report = try TrainingBench(folder: folder, overrides: overrides, options).run()
        Console.print(
            format == .json ? jsonText(report, indented: true) : BenchText.training(report).joined(separator: "\n"))
    }
}
