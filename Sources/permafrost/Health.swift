import ArgumentParser
import Runs

/// `permafrost health`.
struct Health: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Asks a role's HTTP server whether the role is well: the health check of a container.",
        discussion: """
            Examples:
              permafrost health
              permafrost health --ready http://127.0.0.1:9464

            Exits with 0 when the answer is 200, with 92 when it is another one, with 50 when there is none.
            """)

    @Argument(help: "Where the role serves HTTP, its --http; a path, if there is one, is asked for as it is.")
    var url = "http://127.0.0.1:9464"

    @Flag(help: "Ask whether the role is ready, not only alive.")
    var ready = false

    @Option(help: "Seconds to wait for an answer.")
    var timeout = 3

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func validate() throws {
        guard (1...3600).contains(timeout) else {
            throw ValidationError("--timeout is a number of seconds from 1 to 3600.")
        }
    }

    func answer() throws {
        let question = try HealthQuestion(url, ready: ready)
        let text = try question.ask(timeoutSeconds: timeout)
        Console.print(
            format == .json ? jsonText(["url": question.url, "answer": text]) : "\(question.url) answers 200: \(text)")
    }
}
