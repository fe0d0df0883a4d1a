import ArgumentParser
import Foundation
import Recipes
import Runs

/// `permafrost validate`.
struct Validate: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks a recipe and prints it with every key resolved.",
        discussion: """
            Examples:
              permafrost validate recipes/movies-quick.yaml training.epochs=3
              permafrost validate --keys
            """)

    @Argument(help: "The recipe, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String?

    @Argument(help: "KEY=VALUE overrides of the recipe.")
    var overrides: [String] = []

    @Flag(help: "Print every key that a recipe can have, with its meaning and default.")
    var keys = false

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func validate() throws {
        guard keys != (recipe != nil) else { throw ValidationError("Name a recipe, or ask for --keys.") }
    }

    func answer() throws {
        if keys {
            printKeys()
        } else if let recipe {
            let loaded = try Recipe.load(file: recipe, overrides: overrides)
            try loaded.checkStageMemory()
            let text = try loaded.resolvedYAML().trimmingCharacters(in: .newlines)
            Console.print(format == .json ? jsonText(["recipe": text], indented: true) : text)
        }
    }

    private func printKeys() {
        switch format {
        case .json: Console.print(jsonText(Recipe.keys.map(KeyAnswer.init), indented: true))
        case .text:
            for key in Recipe.keys {
                let fallback = key.defaultValue.map { "default \($0)" } ?? "required"
                let lines = ["\(key.key)  (\(key.expected); \(fallback))", "    \(key.help)"]
                Console.print((lines + key.choices.map { "      \($0.name): \($0.meaning)" }).joined(separator: "\n"))
            }
        }
    }
}

private struct KeyAnswer: Encodable {
    struct Choice: Encodable {
        let name: String
        let meaning: String
    }

    let key: String
    let expected: String
    let choices: [Choice]
    let defaultValue: String?
    let help: String

    init(_ key: RecipeKey) {
        self.key = key.key
        expected = key.expected
        choices = key.choices.map { Choice(name: $0.name, meaning: $0.meaning) }
        defaultValue = key.defaultValue
        help = key.help
    }
}
