import ArgumentParser
import Diagnostics
import Foundation
import Queueing
import Runs

/// `permafrost queue`.
struct Queue: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what lies in a worker's activation store, and takes things out of it.",
        discussion: """
            Looking works while a worker writes to the store. Taking something out waits until none does: the devices \
            send it again.
            """,
        subcommands: [QueueList.self, QueueInformation.self, QueuePeek.self, QueuePurge.self, QueueDead.self])
}

/// The store that a command is about.
struct StoreArguments: ParsableArguments {
    @Option(help: "The worker's state folder.", completion: .directory)
    var state = "state/worker"

    @Option(help: "The run's id; it may be left out when the folder holds one run.")
    var run: String?

    /// Ids of the runs whose stores lie in the state folder.
    var runs: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: state)) ?? []
        return names.filter { FileManager.default.fileExists(atPath: "\(folder(of: $0))/data.mdb") }.sorted()
    }

    func folder(of run: String) -> String { "\(state)/\(run)/store" }

    /// The folder of the run that is meant.
    ///
    /// - Throws: `QueueError`.
    func folder() throws(QueueError) -> String {
        let runs = runs
        guard let id = run ?? runs.first else { throw .noStore(state: state) }
        guard runs.contains(id) else { throw .unknownRun(id, state: state, runs: runs) }
        guard run != nil || runs.count == 1 else { throw .severalRuns(runs, state: state) }
        return folder(of: id)
    }
}

/// Why a command about a queue has no answer.
enum QueueError: NumberedError {
    case noStore(state: String)
    case unknownRun(String, state: String, runs: [String])
    case severalRuns([String], state: String)
    case noMessage(device: UInt32, sequence: UInt64?)
    case noDeadLetter(device: UInt32, sequence: UInt64)

    var exitCode: Diagnostics.ExitCode { .usage }

    var problem: String {
        switch self {
        case .noStore(let state): "\(state) holds no activation store"
        case .unknownRun(let run, let state, _): "\(state) holds no store of run \(run)"
        case .severalRuns(let runs, let state): "\(state) holds the stores of \(runs.count) runs"
        case .noMessage(let device, nil): "The store has no complete message of device \(device)"
        case .noMessage(let device, let sequence?):
            "The store has no complete message \(sequence) of device \(device)"
        case .noDeadLetter(let device, let sequence): "Message \(sequence) of device \(device) is no dead letter"
        }
    }

    var remedy: String {
        switch self {
        case .noStore: "Name the folder that the worker was given: --state DIR"
        case .unknownRun(_, _, let runs), .severalRuns(let runs, _):
            "Name one of them: --run \(runs.joined(separator: " or --run "))"
        case .noMessage: "List devices and their messages with 'permafrost queue info'"
        case .noDeadLetter: "List dead letters with 'permafrost queue dead'"
        }
    }
}

/// `permafrost queue ls`.
struct QueueList: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "Lists the stores in a worker's state folder, one for each run.")

    @Option(help: "The worker's state folder.", completion: .directory)
    var state = "state/worker"

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        var stores = StoreArguments()
        stores.state = state
        let answers = try stores.runs.map { try QueueAnswer(LMDBActivationStore(reading: stores.folder(of: $0))) }
        Console.print(
            format == .json ? jsonText(answers, indented: true) : QueueText.list(answers).joined(separator: "\n"))
    }
}

/// `permafrost queue info`.
struct QueueInformation: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Says what a store holds, by device.")

    @OptionGroup var store: StoreArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let answer = try QueueAnswer(LMDBActivationStore(reading: store.folder()))
        Console.print(
            format == .json ? jsonText(answer, indented: true) : QueueText.information(answer).joined(separator: "\n"))
    }
}

/// `permafrost queue peek`.
struct QueuePeek: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "peek",
        abstract: "Shows the samples of a message: their shapes, checksums and first numbers.",
        discussion: "Example:  permafrost queue peek 3 17")

    /// Numbers of each sample that are shown.
    private static let numbers = 4

    @Argument(help: "The device's number, as 'permafrost queue info' lists it.")
    var device: UInt32

    @Argument(help: "The message's number; the device's first message if left out.")
    var sequence: UInt64?

    @OptionGroup var store: StoreArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let store = try LMDBActivationStore(reading: self.store.folder())
        guard let number = sequence ?? store.settledSequences(of: device).ranges.first?.lowerBound,
            store.settledSequences(of: device).contains(number)
        else { throw QueueError.noMessage(device: device, sequence: sequence) }
        let samples = try store.samples(device: device, sequence: number).map { sample in
            try store.withBytes(of: sample.id) { sample, bytes in
                PeekedSample(sample, bytes: bytes, codec: store.codec, numbers: Self.numbers)
            }
        }
        let answer = PeekedMessage(device: device, sequence: number, codec: "\(store.codec)", samples: samples)
        Console.print(
            format == .json ? jsonText(answer, indented: true) : QueueText.message(answer).joined(separator: "\n"))
    }
}

/// `permafrost queue purge`.
struct QueuePurge: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Forgets everything of one device, or of all: they send it again.",
        discussion: "A store that a worker holds is refused.")

    @Argument(help: "The device's number; every device if left out.")
    var device: UInt32?

    @OptionGroup var store: StoreArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let store = try LMDBActivationStore(maintaining: self.store.folder())
        let before = (samples: store.count, bytes: store.bytes)
        try store.purge(device: device)
        let purged = ["samples": before.samples - store.count, "bytes": before.bytes - store.bytes]
        Console.print(
            format == .json
                ? jsonText(purged)
                : "forgot \(Figures.count(before.samples - store.count, "sample"))"
                    + " (\(Figures.bytes(Double(before.bytes - store.bytes))))")
    }
}

/// `permafrost queue dead`.
struct QueueDead: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead",
        abstract: "Lists the messages that were given up, and lets one be tried again.",
        discussion: """
            Examples:
              permafrost queue dead
              permafrost queue dead --purge 3 17

            With --purge a store that a worker holds is refused.
            """)

    @Option(
        name: .customLong("purge"), parsing: .upToNextOption,
        help: ArgumentHelp("Forget that a message was given up: device and number.", valueName: "number"))
    var purged: [UInt64] = []

    @OptionGroup var store: StoreArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func validate() throws {
        guard purged.isEmpty || purged.count == 2 && purged[0] <= UInt32.max else {
            throw ValidationError("--purge takes a device's number and a message's number")
        }
    }

    func answer() throws {
        guard purged.isEmpty else { return try purge(UInt32(clamping: purged[0]), purged[1]) }
        let letters = try LMDBActivationStore(reading: store.folder()).deadLetters().map(DeadLetterAnswer.init)
        Console.print(
            format == .json ? jsonText(letters, indented: true) : QueueText.dead(letters).joined(separator: "\n"))
    }

    private func purge(_ device: UInt32, _ sequence: UInt64) throws {
        let store = try LMDBActivationStore(maintaining: self.store.folder())
        guard try store.forgetDeadLetter(device: device, sequence: sequence) else {
            throw QueueError.noDeadLetter(device: device, sequence: sequence)
        }
        Console.print(
            format == .json
                ? jsonText(["device": UInt64(device), "sequence": sequence])
                : "message \(sequence) of device \(device) may be tried again")
    }
}
