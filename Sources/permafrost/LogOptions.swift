import ArgumentParser
import Diagnostics
import Logging
import Logs
import Runs

/// What a role's process logs, and in which form.
struct LogOptions: ParsableArguments {
    @Option(help: "The least that is logged.")
    var logLevel = Logger.Level.info

    @Option(help: "Lines for people, or one JSON object a line on the standard error.")
    var logFormat = LogFormat.text

    /// The log of a role.
    ///
    /// - Parameter console: where lines for people go.
    func log(_ role: String, id: String, run: String? = nil, console: Console) -> RoleLog {
        RoleLog(role: role, id: id, run: run, format: logFormat, level: logLevel, output: console) {
            Console.printError($0)
        }
    }
}

/// A command that is a role of a run, until it ends.
protocol RoleCommand: AnsweringCommand {
    var logging: LogOptions { get }
    /// What it is called in the log.
    var role: (name: String, id: String) { get }
}

extension RoleCommand {
    /// The role's log.
    ///
    /// - Parameter id: what the role is called, where its command leaves that open.
    func log(id: String? = nil, run: String? = nil) -> RoleLog {
        logging.log(role.name, id: id ?? role.id, run: run, console: Console(toErrors: format == .json))
    }

    /// An error that ends the role is an event of its log, and with `--format json` an answer.
    func tell(_ error: ErrorAnswer) {
        guard logging.logFormat == .json else { return tellInForm(error) }
        let fields: Logger.Metadata = [
            "error": .stringConvertible(error.code), "problem": .string(error.problem), "remedy": .string(error.remedy),
        ]
        log().note("ended", .critical, error.text, fields)
        if format == .json { tellInForm(error) }
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
extension LogFormat: ExpressibleByArgument {}
