import ArgumentParser
import Device
import Diagnostics
import Runs

/// `permafrost device`.
struct DeviceCommand: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "device",
        abstract: "Takes part in a run as a device: computes the first blocks over its own data and publishes.",
        discussion: """
            Examples:
              permafrost device --coordinator tcp://server:7070 --id gateway-7 --data reviews.tsv \\
                --key keys/gateway-7.key --coordinator-key keys/coordinator.pub
              permafrost device --coordinator tcp://127.0.0.1:7070 --id device-1 --insecure

            The recipe comes from the coordinator; the model it names must be on this machine (scripts/fetch). Without \
            --data the device takes its share of the recipe's own data, as 'permafrost train' deals it. It may be started \
            before the coordinator, leave at any time and come back: it goes on with what its worker does not have yet. \
            Ctrl-C says goodbye and leaves. One that has waited for --patience and heard of no coordinator leaves too, with \
            success if its worker has everything.
            """)

    @OptionGroup var link: LinkOptions

    @Option(help: "The device's id, one of the run's.")
    var id: String

    @Option(help: "The device's own data, all of it for training, in the recipe's format.", completion: .file())
    var data: String?

    @Option(help: "How many times slower than this machine the device is, at least 1: a simulated weaker device.")
    var slowdown = 1.0

    @OptionGroup var tracing: TraceOptions

    @Option(help: "How the end is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func validate() throws {
        guard (1...1e6).contains(slowdown) else { throw ValidationError("--slowdown is a number from 1 on.") }
    }

    func answer() throws {
        let console = Console(toErrors: format == .json)
        console.line("device    \(id)")
        console.warnOfPlainTCP(link.insecure)
        if slowdown > 1 { console.line("simulated \(Figures.decimal(slowdown, 1)) times slower than this machine") }
        try tracing.tracing(on: console) { trace in
            let device = try DeviceRun(
                DeviceRun.Options(
                    id: id, coordinator: try link.endpoint(), data: data, security: link.security,
                    patience: link.patienceLimit, slowdown: slowdown, trace: trace))
            let signals = StopSignals { _ in
                console.line("leaving; press Ctrl-C again to leave at once")
                device.stop()
            }
            defer { signals.cancel() }
            try device.run(observer: RolePrinter(console).show)
        }
        if format == .json { Console.print(jsonText(["device": id, "state": "left"], indented: true)) }
    }
}
