import ArgumentParser
import Checkpoints
import Recipes
import Runs

/// `permafrost inspect`.
struct Inspect: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what a model, an adapter, a run's folder or a checkpoint holds.",
        discussion: """
            Examples:
              permafrost inspect cache:SmolLM2-135M-Instruct.Q4_1.gguf
              permafrost inspect runs/movies-quick-20260101-120000
              permafrost inspect runs/movies-quick-20260101-120000/adapter --tensors

            Reads GGUF and safetensors files, folders as the hub has them, adapters in PEFT's format, and what runs write.
            """)

    @Argument(help: "A file or folder, or cache:FILE.", completion: .file())
    var path: String

    @Flag(help: "List every tensor with its shape and type.")
    var tensors = false

    @Option(help: "How the answer is printed; json always has the tensors.")
    var format = OutputFormat.text

    func answer() throws {
        let report = try FileInspection(inspecting: CacheFolder().resolve(path))
        Console.print(
            format == .json
                ? jsonText(report, indented: true)
                : InspectionText(report, listsTensors: tensors).lines.joined(separator: "\n"))
    }
}
