import ArgumentParser
import Diagnostics
import Recipes
import Runs

/// How an answer is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// A command whose answer has two forms and whose errors have numbers.
protocol AnsweringCommand: ParsableCommand {
    /// How the answer is printed.
    var format: OutputFormat { get }

    /// Does the work and prints the answer.
    ///
    /// - Throws: a `NumberedError` for whatever a user can mend.
    func answer() throws

    /// Prints why it could not answer.
    func tell(_ error: ErrorAnswer)
}

extension AnsweringCommand {
    /// Answers, or prints the error in the answer's form and exits with its number.
    func run() throws {
        do {
            try answer()
        } catch let error as any NumberedError {
            let answer = ErrorAnswer(error)
            tell(answer)
            throw ArgumentParser.ExitCode(answer.code)
        }
    }

    func tell(_ error: ErrorAnswer) { tellInForm(error) }

    /// Prints an error in the form of answers.
    func tellInForm(_ error: ErrorAnswer) {
        if format == .json {
            Console.print(jsonText(["error": error], indented: true))
        } else {
            Console.printError(error.text)
        }
    }
}

/// A recipe on the command line, with overrides behind it.
struct RecipeArguments: ParsableArguments {
    @Argument(help: "The recipe, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String

    @Argument(help: "KEY=VALUE overrides of the recipe, such as training.epochs=1 or devices.cuts=[6,6].")
    var overrides: [String] = []

    /// - Throws: `RecipeError`.
    func load() throws -> Recipe { try Recipe.load(file: recipe, overrides: overrides) }
}
