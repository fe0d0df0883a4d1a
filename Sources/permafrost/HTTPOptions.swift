import ArgumentParser
import Diagnostics
import Logs
import Monitoring

/// Whether and where a role shows itself over HTTP.
struct HTTPOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where /metrics, /healthz, /readyz and /api/v1/state are served over HTTP; nowhere if left out.",
            valueName: "host:port"))
    var http: String?

    @Option(
        help: ArgumentHelp(
            "A further name under which clients reach --http; may be repeated. Addresses and localhost need none.",
            valueName: "name"))
    var httpHost: [String] = []

    /// Runs the body while the role is served, if that is asked for.
    ///
    /// - Throws: `MonitoringError` before anything is done, or what the body throws.
    func serving<Result>(
        on console: any LineSink, _ site: (AccessRules) -> Site, _ body: () throws -> Result
    ) throws -> Result {
        guard let http else { return try body() }
        guard let address = HostAndPort(http) else { throw MonitoringError.noAddress(http) }
        let service = try HTTPService(site(AccessRules(listening: address, names: httpHost)), at: address)
        defer { service.stop() }
        console.line("http      http://\(service.address)/" + (address.isLoopback ? "" : ", for whoever reaches it"))
        return try body()
    }
}
