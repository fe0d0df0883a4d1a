import ArgumentParser
import Device
import Diagnostics
import Runs

/// `permafrost device`.
struct DeviceCommand: RoleCommand {
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

    @Option(help: "Where the worker is reached from here, if not where it says: through a tunnel, for example.")
    var worker: String?

    @Option(
        help: ArgumentHelp(
            "A 'permafrost gateway', or another SOCKS 5 proxy, through which coordinator and workers are reached.",
            valueName: "host:port"))
    var gateway: HostAndPort?

    @Option(help: "How many times slower than this machine the device is, at least 1: a simulated weaker device.")
    var slowdown: Double?

    @Option(help: "Floating-point operations a second of a simulated device, weaker than this machine.")
    var flopsPerSecond: Double?

    @OptionGroup var http: HTTPOptions

    @OptionGroup var tracing: TraceOptions

    @OptionGroup var logging: LogOptions

    @Option(help: "How the end is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func validate() throws {
        guard (1...1e6).contains(slowdown ?? 1) else { throw ValidationError("--slowdown is a number from 1 on.") }
        guard (1...1e18).contains(flopsPerSecond ?? 1) else {
            throw ValidationError("--flops-per-second is a number from 1 on.")
        }
        guard gateway?.port != 0 else { throw ValidationError("--gateway is a host and a port from 1 to 65535.") }
        guard slowdown == nil || flopsPerSecond == nil else {
            throw ValidationError("Name --slowdown or --flops-per-second: each says how fast the device is.")
        }
    }

    var role: (name: String, id: String) { ("device", id) }

    func answer() throws {
        let console = log()
        console.note("started", .info, "device    \(id)")
        console.warnOfPlainTCP(link.insecure)
        if let simulation { console.line("simulated \(simulation)") }
        let monitor = DeviceMonitor(id: id), printer = RolePrinter(console)
        try tracing.tracing(on: console) { trace in
            let device = try DeviceRun(
                DeviceRun.Options(
                    id: id, coordinator: try link.endpoint(), data: data, security: link.security,
                    patience: link.patienceLimit, workerEndpoint: worker, gateway: gateway, pace: pace,
                    trace: trace))
            let signals = StopSignals { _ in
                console.line("leaving; press Ctrl-C again to leave at once")
                device.stop()
            }
            defer { signals.cancel() }
            try http.serving(on: console, monitor.site) {
                try device.run(pulse: monitor.pulse) { news in
                    monitor.take(news)
                    printer.show(news)
                }
            }
        }
        let peak = ProcessMemory.peakResidentBytes
        if format == .json {
            return Console.print(jsonText(Answer(device: id, state: "left", peakRssBytes: peak), indented: true))
        }
        console.line("memory    \(Figures.bytes(Double(peak))) at most")
    }

    private var pace: DeviceRun.Pace {
        flopsPerSecond.map { .rate(flopsPerSecond: $0) } ?? slowdown.map { .slower($0) } ?? .machine
    }

    /// What of the device is not real.
    private var simulation: String? {
        switch pace {
        case .machine: nil
        case .slower(let times): "\(Figures.decimal(times, 1)) times slower than this machine"
        case .rate(let rate): "device rate, \(Figures.decimal(rate / 1e9, 3)) GFLOP/s"
        }
    }

    private struct Answer: Encodable {
        let device: String
        let state: String
        /// The most bytes that the process ever had resident.
        let peakRssBytes: Int
    }
}
