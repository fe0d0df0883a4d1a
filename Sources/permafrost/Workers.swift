import ArgumentParser
import Coordinator
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
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "Lists a run's workers.",
        discussion: """
            PLACE is the worker's stage of one of the pipelines that share the run's steps. STEP is the newest that it has \
            taken as the one that leads them. REFUSED are handshakes and messages that it has refused since it was started; \
            'permafrost run info' says why.
            """)

    @Option(help: "The run's id; the newest one if left out.")
    var run: String?

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let ledger = try state.ledger(.reading)
        let workers = try WorkerAnswer.workers(try ledger.state(of: state.run(run, in: ledger).id))
        if format == .json { return Console.print(jsonText(workers, indented: true)) }
        var table = TextTable([
            ("WORKER", .left), ("STATE", .left), ("PLACE", .left), ("STEP", .right), ("REFUSED", .right),
            ("ENDPOINT", .left),
        ])
        for worker in workers {
            let record = worker.record
            table.add([
                record.id, record.state.rawValue, worker.place ?? "-", "\(record.step)",
                Figures.count(worker.refused), record.endpoint,
            ])
        }
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
            comes back with it. A worker that stands by, or helps with the steps of another one, just leaves.
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

/// A worker, where it takes part in steps, and how often it has refused anything.
private struct WorkerAnswer: Encodable {
    let record: WorkerRecord
    let place: String?
    let refused: Int

    /// - Throws: `CoordinatorError.unreadablePlan`.
    static func workers(_ state: RunState) throws -> [WorkerAnswer] {
        let plan = try state.plan.map { try RecordedPlan(json: $0.json) }
        return state.workers.map { worker in
            let refusals = state.refusals.first { $0.role == "worker" && $0.source == worker.id }
            return WorkerAnswer(
                record: worker, place: plan?.place(of: worker.id),
                refused: refusals.map { $0.handshakes + $0.messages } ?? 0)
        }
    }

    private enum Keys: CodingKey {
        case place, refused
    }

    func encode(to encoder: any Encoder) throws {
        try record.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(place, forKey: .place)
        try container.encode(refused, forKey: .refused)
    }
}
