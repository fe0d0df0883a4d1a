import ArgumentParser
import Runs

/// `permafrost bench`.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures what this machine and this program bear.",
        subcommands: [
            BenchDevice.self, BenchOperations.self, BenchPipeline.self, BenchQueue.self, BenchQueueWorker.self,
            BenchRanks.self,
            BenchTraining.self,
        ])
}

extension QueueBench.Case: ExpressibleByArgument {}

/// `permafrost bench queue`.
struct BenchQueue: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Measures the queue: durable ingest, memory with a stopped worker, a thousand devices.",
        discussion: """
            Examples:
              permafrost bench queue
              permafrost bench queue --cases ingest --rounds 9 --folder /srv/state
              permafrost bench queue --cases bounds --seconds 300 --format json

            A real worker takes in real messages over tcp on this machine. The devices are simulated: they compute \
            nothing and publish random activations by the rules, with credit and acknowledgements.

            ingest   payload bytes a second into a durable store, and the disk's own rate of sequential synced writes \
            in the same run; into memory, and ZeroMQ's own rate with the same frames; each once more with CURVE. \
            ZeroMQ receives into the same memory again and again, and so the store has all of its memory before the \
            first message comes. A store that finds it meanwhile is measured too, and ZeroMQ with every frame kept. \
            Ratios are medians of rounds.
            bounds   64 devices publish while the worker is stopped: the peak resident memory of its process, and of \
            all devices' process, against their credits and 64 MiB. Exits with 1 when a peak is above.
            devices  1,000 devices with messages of 4 KiB: messages a second, acknowledgement times, memory.

            After an error, what was measured before is printed all the same.
            """)

    @Option(parsing: .upToNextOption, help: "What is measured: ingest, bounds, devices; everything if left out.")
    var cases: [QueueBench.Case] = []

    @Option(help: "For how many seconds the worker of 'bounds' is stopped.")
    var seconds = 30.0

    @Option(help: "Devices of 'devices'.")
    var devices = 1000

    @Option(help: "Rounds of 'ingest'.")
    var rounds = 5

    @Option(help: "Where stores are made and removed again: the disk that is measured.", completion: .directory)
    var folder: String?

    @Option(help: "How the answer is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func validate() throws {
        guard seconds > 0, devices > 0, devices <= 2000, rounds > 0 else {
            throw ValidationError("--seconds and --rounds are above 0, and --devices is from 1 to 2000.")
        }
    }

    func answer() throws {
        var options = QueueBench.Options()
        if !cases.isEmpty { options.cases = Set(cases) }
        options.stoppedSeconds = seconds
        options.devices = devices
        options.rounds = rounds
        if let folder { options.folder = folder }
        let console = Console(toErrors: format == .json)
        let report = try QueueBench(options) { console.line($0) }.run()
        Console.print(
            format == .json ? jsonText(report, indented: true) : BenchText.queue(report).joined(separator: "\n"))
        if let error = report.error {
            if format == .text { Console.printError(error.text) }
            throw ArgumentParser.ExitCode(error.code)
        }
        guard report.isWithinBounds else { throw ArgumentParser.ExitCode.failure }
    }
}

/// The worker's process of `permafrost bench queue`.
struct BenchQueueWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue-worker", abstract: "The worker that 'bench queue' measures.", shouldDisplay: false)

    @Option(help: "Where its store is made.", completion: .directory)
    var folder: String

    @Option(help: "Who publishes what, as 'bench queue' says it.")
    var shape: String

    func run() throws { try QueueBenchWorkerProcess.run(shape: shape, folder: folder) }
}
