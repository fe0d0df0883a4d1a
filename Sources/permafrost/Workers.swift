import ArgumentParser
import Ledger
import Runs

/// `permafrost workers`.
struct Workers: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists a run's workers, and lets one hand over and leave.",
        subcommands: [WorkerList.self, WorkerDrain.self])
}

/// `permafrost workers ls`.
struct WorkerList: AnsweringCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "Lists a run's workers.")

    @Option(help: "The run's id; the newest one if left out.")
    var run: String?

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let ledger = try state.ledger(.reading)
        let workers = try ledger.state(of: state.run(run, in: ledger).id).workers
        if format == .json { return Console.print(jsonText(workers, indented: true)) }
        var table = TextTable([("WORKER", .left), ("STATE", .left), ("STEP", .right), ("ENDPOINT", .left)])
        for worker in workers { table.add([worker.id, worker.state.rawValue, "\(worker.step)", worker.endpoint]) }
        Console.print(workers.isEmpty ? "no worker yet" : table.lines.joined(separator: "\n"))
    }
}

/// `permafrost workers drain`.
struct WorkerDrain: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Lets a worker finish its step, hand over to a standby worker and leave.",
        discussion: """
            Without a standby worker it leaves all the same; its state folder stays, and the run goes on when a worker \
            comes back with it.
            """)

    @Argument(help: "The worker's id.")
    var id: String

    @Option(help: "The run's id; the newest one if left out.")
    var run: String?

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let run = try state.run(run, in: state.ledger(.reading)).id
        try state.ledger(.operations).orderDrain(of: id, run: run)
        Console.print(
            format == .json
                ? jsonText(["ordered": "drain", "worker": id, "run": run])
                : "\(id) is to hand over and leave\nnext      \(state.next("run logs \(run) --follow"))")
    }
}
