import ArgumentParser
import Runs

/// `permafrost data`.
struct Data: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints the sentences that a recipe trains or tests on.",
        discussion: "Example:  permafrost data recipes/movies-quick.yaml --split test --limit 3")

    /// A part of the data.
    enum Part: String, ExpressibleByArgument, CaseIterable {
        case train, test
    }

    @OptionGroup var arguments: RecipeArguments

    @Option(help: "Which part.")
    var split = Part.train

    @Option(help: "How many sentences at the most; all without it.")
    var limit: Int?

    @Option(help: "How the lines are printed: label, text and answer, or JSON objects.")
    var format = OutputFormat.text

    func validate() throws {
        guard limit ?? 0 >= 0 else { throw ValidationError("--limit must not be negative") }
    }

    func answer() throws {
        let sentences = try RecipeSentences(arguments.load())
        let part = split == .train ? sentences.train : sentences.test
        for sentence in part.prefix(limit ?? part.count) {
            Console.print(format == .json ? jsonText(sentence) : sentence.line)
        }
    }
}
