import ArgumentParser
import Runs

extension ExportForm: ExpressibleByArgument {}

/// `permafrost export`.
struct Export: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes what was trained for other programs: PEFT, transformers, llama.cpp.",
        discussion: """
            peft    the adapter in a folder that Python's PEFT loads
            merged  the whole model with what was trained in its weights, a folder as the hub has it
            gguf    the adapter in a file that llama.cpp loads beside the model (Llama models)

            Examples:
              permafrost export merged runs/movies-quick-20260101-120000 movies-merged
              permafrost export gguf runs/movies-quick-20260101-120000 movies.gguf
              permafrost export merged my-adapter merged --base cache:SmolLM2-135M-Instruct.Q4_1.gguf

            Nothing is ever overwritten, and what is written is whole or not there.
            """)

    @Argument(help: "The form.")
    var form: ExportForm

    @Argument(help: "A run's folder, or the folder of an adapter.", completion: .directory)
    var source: String

    @Argument(help: "Where to write: a folder, or a file for gguf.")
    var output: String

    @Option(
        help: "The model that was trained: a hub folder, a GGUF file or cache:FILE. A run's recipe knows its own.",
        completion: .file())
    var base: String?

    @Option(help: "How the report is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func answer() throws {
        let console = Console(toErrors: format == .json)
        let export = ExportRun(form, source: source, output: output, base: base)
        let signals = StopSignals { _ in export.stop() }
        defer { signals.cancel() }
        let report = try export.run { bytes, count in
            console.status("writing   \(Figures.bytes(Double(bytes))) of \(Figures.bytes(Double(count)))")
        }
        switch format {
        case .json: Console.print(jsonText(report, indented: true))
        case .text: console.line(Self.text(report))
        }
    }

    private static func text(_ report: ExportRun.Report) -> String {
        var lines = ["exported  \(report.source)"]
        if let base = report.base { lines.append("model     \(base)") }
        lines.append("output    \(report.output)")
        let width = report.files.map(\.name.count).max() ?? 0
        for file in report.files {
            let name = file.name.padding(toLength: width, withPad: " ", startingAt: 0)
            lines.append("  \(name)  \(Figures.bytes(Double(file.bytes)))")
        }
        lines += ["time      \(Figures.duration(report.seconds))", "", "next: \(next(report))"]
        return lines.joined(separator: "\n")
    }

    /// The command that shows that the export is what it should be.
    private static func next(_ report: ExportRun.Report) -> String {
        guard let recipe = report.recipe, report.form != .gguf else { return "permafrost inspect \(report.output)" }
        let use = report.form == .merged ? report.overrides.joined(separator: " ") : "--adapter \(report.output)"
        return "permafrost eval \(recipe) \(use)"
    }
}
