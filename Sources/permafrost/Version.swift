import ArgumentParser
import Runs

/// `permafrost version`.
struct Version: AnsweringCommand {
    static let configuration = CommandConfiguration(abstract: "Prints the version of this build.")

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() {
        Console.print(
            format == .json ? jsonText(["version": permafrostVersion]) : "permafrost \(permafrostVersion)")
    }
}
