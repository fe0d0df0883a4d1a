import ArgumentParser
import Runs
import Worker

/// `permafrost worker`.
struct WorkerCommand: RoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Takes part in a run as a worker: keeps activations durably, and trains.",
        discussion: """
            Examples:
              permafrost worker --coordinator tcp://server:7070 --id worker-1 --listen 'tcp://*:7071' \\
                --advertise tcp://10.0.0.5:7071 --key keys/worker-1.key --coordinator-key keys/coordinator.pub
              permafrost worker --coordinator tcp://127.0.0.1:7070 --insecure
              permafrost worker --coordinator tcp://server:7070 --id worker-1..4 --state /state \\
                --advertise 'tcp://{host}:7071' --key 'keys/{id}.key' --coordinator-key keys/coordinator.pub

            The last example is for workers that are alike and share a folder, such as the containers of one service: each \
            takes the first id that no other one holds, with its state in STATE/ID and its key.

            The first worker of a run trains, others stand by. Killed at any time and started again with the same --state, \
            it goes on where it was. SIGTERM or Ctrl-C: it finishes its step, writes a checkpoint, hands over to a worker \
            that stands by, if there is one, and leaves.

            In STATE/RUN: recipe, metrics.jsonl, checkpoints, the activation store, and in the end the adapter in PEFT's \
            format and summary.json. See 'permafrost queue info --state STATE'.
            """)

    @OptionGroup var link: LinkOptions

    @Option(help: "The worker's id, unique in the run; or a range, such as worker-1..4, for the first that is free.")
    var id = "worker-1"

    @Option(help: "Where the worker waits for devices; port * takes a free one.")
    var listen = "tcp://*:7071"

    @Option(help: "Where devices reach the worker, if that is another address; {host} is this machine's name.")
    var advertise: String?

    @Option(help: "The folder that keeps what the worker has.", completion: .directory)
    var state = "state/worker"

    @OptionGroup var http: HTTPOptions

    @OptionGroup var tracing: TraceOptions

    @OptionGroup var logging: LogOptions

    @Option(help: "How the summary is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    var role: (name: String, id: String) { ("worker", id) }

    func answer() throws {
        let ids = try WorkerPlace.ids(id)
        let place = try ids.count > 1 ? WorkerPlace.take(ids, in: state) : WorkerPlace(id: id)
        let id = place.id, state = ids.count > 1 ? "\(state)/\(id)" : state
        let console = log(id: id)
        console.note("started", .info, "worker    \(id), state in \(state)")
        console.warnOfPlainTCP(link.insecure)
        let monitor = WorkerMonitor(id: id), printer = RolePrinter(console)
        let summary = try tracing.tracing(on: console) { trace in
            let worker = try WorkerRun(
                WorkerRun.Options(
                    id: id, coordinator: try link.endpoint(), listen: listen,
                    advertised: advertise.map(place.fill), state: state, security: link.security(at: place),
                    patience: link.patienceLimit, trace: trace))
            let signals = StopSignals { _ in
                console.line("leaving after the step under way; press Ctrl-C again to leave at once")
                worker.stop()
            }
            defer { signals.cancel() }
            return try http.serving(on: console, monitor.site) {
                try worker.run(pulse: monitor.pulse) { news in
                    monitor.take(news)
                    printer.show(news)
                }
            }
        }
        if format == .json, let summary { Console.print(jsonText(summary, indented: true)) }
    }
}
