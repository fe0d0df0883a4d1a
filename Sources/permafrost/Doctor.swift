import ArgumentParser
import Diagnostics
import Foundation
import Runs

/// `permafrost doctor`.
struct Doctor: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks this machine: processor, memory, libraries, sockets, disk, fetched files.")

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let checks = MachineCheck.all()
        switch format {
        case .json: Console.print(jsonText(checks, indented: true))
        case .text:
            for check in checks {
                let mark = check.state == .good ? "ok  " : check.state == .warning ? "warn" : "FAIL"
                let remedy = check.remedy.map { "\n                → \($0)" } ?? ""
                Console.print(
                    "\(mark)  \(check.name.padding(toLength: 10, withPad: " ", startingAt: 0))\(check.detail)\(remedy)")
            }
        }
        if checks.contains(where: { $0.state == .failed }) {
            throw ArgumentParser.ExitCode(Diagnostics.ExitCode.machineUnfit.rawValue)
        }
    }
}
