import ArgumentParser
import Diagnostics
import Foundation
import Runs
import Tensors

/// The command line: it parses, calls the runs and roles, and prints. It knows no mathematics and no sockets.
@main
struct Permafrost: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "permafrost",
        abstract: "Fine-tunes language models on data that stays on many weak, unequal devices.",
        discussion: """
            The lower blocks of the model are frozen: a device runs them forward only and publishes activations. \
            Server workers train low-rank adapters in the blocks above.

            Begin with:  permafrost doctor
                         permafrost train recipes/movies-quick.yaml

            Every answer has --format json. Errors have a number, which is also the exit code: docs/exit-codes.md.
            """,
        version: permafrostVersion,
        subcommands: [
            Train.self,
            Resume.self,
            CoordinatorCommand.self,
            WorkerCommand.self,
            DeviceCommand.self,
            GatewayCommand.self,
            Eval.self,
            Generate.self,
            Export.self,
            Inspect.self,
            Data.self,
            Compare.self,
            Simulate.self,
            ScheduleCommands.self,
            Validate.self,
            RunCommands.self,
            Queue.self,
            Devices.self,
            Workers.self,
            Top.self,
            Bench.self,
            Keys.self,
            Doctor.self,
            Health.self,
            Drain.self,
            Version.self,
        ])

    static func main() {
        // A reader that goes away, as in `permafrost train … | head`, must not end a run: writing to it fails instead.
        signal(SIGPIPE, SIG_IGN)
        let environment = ProcessInfo.processInfo.environment
        let problem =
            Failpoint.problem(of: environment[Failpoint.variable])
            ?? MatrixLibrary.problem(of: environment[MatrixLibrary.variable])
            ?? ProcessorLimit.problem(of: environment[ProcessorLimit.variable])
        if let problem {
            Console.printError("error \(Diagnostics.ExitCode.usage.rawValue): \(problem)")
            exit(withError: ArgumentParser.ExitCode(Diagnostics.ExitCode.usage.rawValue))
        }
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            exit(withUsage: error)
        }
    }

    /// Help and finished commands end as they should; what is wrong with the command line itself is a usage error.
    private static func exit(withUsage error: any Error) -> Never {
        // At once: threads of a run that ended early may still compute, and an orderly exit unloads what they use.
        if let code = error as? ArgumentParser.ExitCode { _exit(code.rawValue) }
        let code = exitCode(for: error)
        guard code == .validationFailure else { exit(withError: error) }
        Console.printError(fullMessage(for: error))
        exit(withError: ArgumentParser.ExitCode(2))
    }
}
