import ArgumentParser
import Foundation
import Monitoring
import Recipes
import Runs

/// `permafrost coordinator`.
struct CoordinatorCommand: RoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Coordinates a run: recipe, plan, ledger, keys.",
        discussion: """
            Examples:
              permafrost coordinator recipes/movies.yaml --key keys/coordinator.key
              permafrost coordinator recipes/movies-quick.yaml network.coordinator=tcp://10.0.0.1:7070 --insecure
              permafrost coordinator --key keys/coordinator.key

            Killed at any time and started again with the same --state, it goes on with the run of its ledger; the last \
            example needs no recipe for that. Look at the run with 'permafrost top', 'permafrost run info' and 'permafrost \
            run logs'; let keys in with 'permafrost devices enroll'. Ctrl-C ends the run after the step under \
            way. SIGTERM ends the coordinator alone: devices and workers go on, and look for the next one. A run that has \
            ended stays until everybody has said goodbye, --linger seconds for those who are away; started again then, the \
            coordinator tells whoever still waits. With --stay it does so until it is stopped, as a service should.
            """)

    @Argument(help: "The recipe, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String?

    @Argument(help: "KEY=VALUE overrides of the recipe.")
    var overrides: [String] = []

    @Option(help: "Where to listen; the port of the recipe's network.coordinator on all addresses if left out.")
    var listen: String?

    @Option(help: "The folder of the ledger.", completion: .directory)
    var state = "state/coordinator"

    @Option(help: "The coordinator's key file, of 'permafrost keys generate'.", completion: .file(extensions: ["key"]))
    var key: String?

    @Flag(help: "Speak plain TCP, without keys: anybody on the network can read and take part.")
    var insecure = false

    @Flag(help: "Run a recipe once more whose run is complete.")
    var again = false

    @Option(help: "Seconds for which a run that has ended waits for devices and workers that are away, to tell them.")
    var linger = 30

    @Flag(help: "After the run stay until stopped: show how it ended, and tell whoever still comes.")
    var stay = false

    @OptionGroup var http: HTTPOptions

    @Option(
        help: "A file with a secret that lets clients of --http drain workers; without it they can only look.",
        completion: .file())
    var httpTokenFile: String?

    @OptionGroup var logging: LogOptions

    @Option(help: "How the end is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func validate() throws {
        guard insecure == (key == nil) else {
            throw ValidationError("Name --key, or --insecure to speak plain TCP without keys.")
        }
        guard http.http != nil || httpTokenFile == nil else {
            throw ValidationError("--http-token-file needs --http.")
        }
        guard linger >= 0 else { throw ValidationError("--linger is a number of seconds from 0 on.") }
    }

    var role: (name: String, id: String) { ("coordinator", "coordinator") }

    func answer() throws {
        let recipe = try recipe.map { try Recipe.load(file: $0, overrides: overrides) }
        let console = log()
        console.warnOfPlainTCP(insecure)
        let token = try httpTokenFile.map { try TokenFile($0) }
        let coordinator = try CoordinatorRun(
            recipe,
            CoordinatorRun.Options(
                listen: listen, state: state,
                security: key.map { .curve(keyFile: $0, coordinatorKeyFile: nil) } ?? .insecure, again: again,
                linger: .seconds(linger), stays: stay))
        let monitor = CoordinatorMonitor(folder: state, run: coordinator.run, token: token)
        let signals = StopSignals { signal in
            guard signal == SIGINT else { return coordinator.leave() }
            console.line(
                coordinator.isOver
                    ? "leaving"
                    : "ending the run after the step under way; press Ctrl-C again to leave it to itself")
            coordinator.stop()
        }
        defer { signals.cancel() }
        console.set(run: coordinator.run)
        if coordinator.earlier?.state == .completed {
            console.line("complete  \(coordinator.run); whoever still waits is told, and --again runs it once more")
        }
        let printer = RolePrinter(console)
        try http.serving(on: console, monitor.site) {
            try coordinator.run(pulse: monitor.pulse) { news in
                monitor.take(news)
                printer.show(news)
            }
        }
        if format == .json {
            Console.print(jsonText(["run": coordinator.run, "state": "completed"], indented: true))
        } else {
            console.line("next: permafrost run info --state \(state)")
        }
    }
}
