import ArgumentParser
import Runs

/// `permafrost eval`.
struct Eval: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Scores a model, with or without an adapter, on a recipe's test sentences.",
        discussion: """
            Examples:
              permafrost eval recipes/movies-quick.yaml
              permafrost eval recipes/movies-quick.yaml --adapter runs/movies-quick-…/adapter
              permafrost eval recipes/movies.yaml data.minimum_absolute_rating=0.5
            """)

    @OptionGroup var arguments: RecipeArguments

    @Option(help: "An adapter's folder in PEFT's format.", completion: .directory)
    var adapter: String?

    @Option(help: "Write one JSON object per sentence, with its logits, into this file.", completion: .file())
    var predictions: String?

    @Option(help: "How the score is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let console = Console(toErrors: format == .json)
        let evaluation = EvaluationRun(try arguments.load(), adapterPath: adapter)
        let (report, rows) = try evaluation.run { done, count in console.status("testing \(done)/\(count) sentences") }
        if let predictions { try writeJSONLines(rows, to: predictions) }
        switch format {
        case .json: Console.print(jsonText(report, indented: true))
        case .text:
            console.line(
                """
                accuracy  \(Figures.decimal(report.accuracy, 4))  (majority \(Figures.decimal(report.majority, 4)))
                macro-F1  \(Figures.decimal(report.macroF1, 4))
                loss      \(Figures.decimal(report.loss, 4))
                samples   \(Figures.count(report.samples)) in \(Figures.decimal(report.seconds, 1)) s
                """)
        }
    }
}
