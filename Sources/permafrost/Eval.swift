import ArgumentParser
import Foundation
import Runs

/// `permafrost eval`.
struct Eval: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Scores a model, as it is or with what was trained, on a recipe's test examples.",
        discussion: """
            Examples:
              permafrost eval recipes/movies-quick.yaml
              permafrost eval recipes/movies-quick.yaml --adapter runs/movies-quick-…/adapter
              permafrost eval recipes/movies.yaml data.minimum_absolute_rating=0.5
            """)

    @OptionGroup var arguments: RecipeArguments

    @Option(
        help: "The folder 'adapter' of a run, or another adapter in PEFT's format.", completion: .directory)
    var adapter: String?

    @Option(
        help: "Write one JSON object per example, with its logits or its answer, into this file.", completion: .file())
    var predictions: String?

    @Option(help: "How the score is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let console = Console(toErrors: format == .json)
        let evaluation = EvaluationRun(try arguments.load(), adapterPath: adapter)
        let signals = StopSignals { _ in evaluation.stop() }
        defer { signals.cancel() }
        let (report, rows) = try evaluation.run { done, count in console.status("testing \(done)/\(count) examples") }
        if let predictions { try writeJSONLines(rows, to: predictions) }
        switch format {
        case .json: Console.print(jsonText(report, indented: true))
        case .text:
            for figure in report.score.figures {
                console.line(
                    figure.name.padding(toLength: 16, withPad: " ", startingAt: 0)
                        + Figures.decimal(figure.value, 4))
            }
            console.line(
                "\(Figures.count(report.score.samples, "example")) in \(Figures.decimal(report.seconds, 1)) s")
        }
    }
}
