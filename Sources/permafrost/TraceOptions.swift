import ArgumentParser
import Diagnostics
import Logs

/// Whether and where a command writes a trace of what it does.
struct TraceOptions: ParsableArguments {
    @Option(
        help: "A file for a trace of every operation, message and wait, which a browser's trace viewer opens.",
        completion: .file(extensions: ["json"]))
    var trace: String?

    /// Runs the body with a trace, if one is asked for, and says what became of it however the body ends.
    ///
    /// - Throws: `TraceError` before anything is done, or what the body throws.
    func tracing<Result>(on console: some LineSink, _ body: (Trace?) throws -> Result) throws -> Result {
        guard let file = trace else { return try body(nil) }
        let trace = try Trace(file: file)
        defer {
            do {
                let events = try trace.finish()
                console.line("trace     \(file), \(Figures.count(events, "event"))")
            } catch {
                console.line("trace     is not whole: \(error)")
            }
        }
        return try body(trace)
    }
}
