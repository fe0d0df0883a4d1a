import ArgumentParser
import Diagnostics
import Gateway
import Logs
import Runs

/// `permafrost gateway`.
struct GatewayCommand: RoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Leads devices outside a network to coordinator and workers inside, through one port.",
        discussion: """
            Examples:
              permafrost gateway --allow coordinator:7070 --allow 'worker-*:7071'
              permafrost device --gateway gateway.example.org:7072 --coordinator tcp://coordinator:7070 …

            It is a SOCKS 5 proxy with a list of where it leads to. Names are resolved here, so that a device outside uses \
            those that hold inside. It has no key and sees no plain text: devices prove who they are to coordinator and \
            workers themselves. Several may run behind one address; clients of one that ends come back through another.
            """)

    @Option(help: ArgumentHelp("Where clients come; port 0 takes a free one.", valueName: "host:port"))
    var listen = HostAndPort(host: "0.0.0.0", port: 7072)

    @Option(
        help: ArgumentHelp(
            "Where clients may go; may be repeated. A star stands for any characters but a dot.",
            valueName: "host:port"))
    var allow: [AllowedDestination] = []

    @Option(help: "Connections at once; more are refused.")
    var connections = 4096

    @Option(help: "What the gateway is called in its log.")
    var id = "gateway"

    @OptionGroup var http: HTTPOptions

    @OptionGroup var logging: LogOptions

    @Option(help: "How the end is printed; with json, progress goes to the standard error.")
    var format = OutputFormat.text

    func validate() throws {
        guard !allow.isEmpty else {
            throw ValidationError("Name with --allow where clients may go: the coordinator, and the workers.")
        }
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000000.")
        }
    }

    var role: (name: String, id: String) { ("gateway", id) }

    func answer() throws {
        let console = log()
        let printer = RolePrinter(console)
        var configuration = Gateway.Configuration(address: listen, allowed: allow)
        configuration.mostConnections = connections
        let monitor = GatewayMonitor(id: id)
        let gateway = try Gateway(configuration, pulse: monitor.pulse) { printer.show($0) }
        let signals = StopSignals { _ in
            console.line("leaving; press Ctrl-C again to leave at once")
            gateway.stop()
        }
        defer { signals.cancel() }
        try http.serving(on: console, { monitor.site($0) { gateway.counts } }) { gateway.run() }
        if format == .json {
            Console.print(jsonText(["gateway": "\(gateway.address)", "state": "left"], indented: true))
        }
    }
}
