import ArgumentParser
import Runs

/// `permafrost drain`.
struct Drain: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lets the role of this container finish and leave, and waits for it: a hook before a pod stops.",
        discussion: """
            Examples:
              permafrost drain
              permafrost drain --process 4711 --timeout 60

            It asks as SIGTERM does, and may ask again: a worker finishes its step, writes a checkpoint, hands over and \
            leaves. Exits with 0 when the process has ended, with 59 when it has not in time. In a container whose process 1 is \
            the role, all others end with it, this one too. 'permafrost workers drain ID' asks from the coordinator's side, and \
            does not wait.
            """)

    @Option(help: "The role's process.")
    var process: Int32 = 1

    @Option(help: "Seconds to wait for its end.")
    var timeout = 600

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func validate() throws {
        guard process > 0 else { throw ValidationError("--process is the number of a process, from 1 on.") }
        guard (1...86_400).contains(timeout) else {
            throw ValidationError("--timeout is a number of seconds from 1 to 86400.")
        }
    }

    func answer() throws {
        try RoleProcess(process).leave(within: .seconds(timeout))
        Console.print(
            format == .json ? jsonText(["process": "\(process)", "state": "left"]) : "process \(process) has left")
    }
}
