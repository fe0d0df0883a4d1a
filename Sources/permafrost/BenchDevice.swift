import ArgumentParser
import Runs

/// `permafrost bench device`.
struct BenchDevice: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "device",
        abstract: "Measures the peak memory of a method's device.",
        discussion: """
            Examples:
              permafrost bench device training.method=hosl
              permafrost bench device training.method=splitlora --batch 64 --tokens 128 --cut 6

            One device of a method on the shape of GPT-2 small with random weights, and a server that answers at once and \
            computes nothing: the process's peak is the device's. Devices of fedlora and soft have the whole model, the \
            others its lowest blocks. scripts/bench-memory measures all methods and writes a table.
            """)

    @Argument(help: "KEY=VALUE overrides of a recipe, such as training.method=hosl or lora.targets=[c_attn].")
    var overrides: [String] = []

    @Option(help: "Samples of a batch, or of a message.")
    var batch = 16

    @Option(help: "Tokens of a sample.")
    var tokens = 128

    @Option(help: "Blocks on the device, where the method splits the model.")
    var cut = 6

    @Option(help: "Steps, or messages.")
    var steps = 2

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func validate() throws {
        guard (1...4096).contains(batch), (1...1024).contains(tokens), (1...11).contains(cut),
            (1...1000).contains(steps)
        else {
            throw ValidationError(
                "--batch is from 1 to 4096, --tokens from 1 to 1024, --cut from 1 to 11, --steps from 1 to 1000.")
        }
    }

    func answer() throws {
        var options = DeviceBench.Options()
        options.batch = batch
        options.tokens = tokens
        options.cut = cut
        options.steps = steps
        let report = try DeviceBench(gpt2Small: overrides, options).run()
        Console.print(format == .json ? jsonText(report, indented: true) : BenchText.device(report))
    }
}
