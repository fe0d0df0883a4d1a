import Foundation
import Synchronization

/// The built command-line program, run in a process of its own as a user runs it.
final class Program: Sendable {
    /// What a process left behind when it ended.
    struct Outcome {
        let exitCode: Int32
        /// Whether a signal ended it, as a crash does.
        let wasKilled: Bool
        let output: String
        let errors: String
    }

    /// Where the build has put the program and the tests.
    private static let buildFolder = Bundle.main.executableURL?.deletingLastPathComponent()

    private let process = Process()
    private let output = Pipe()
    private let errors = Pipe()
    private let errorText = Mutex(Data())
    private let readingErrors = DispatchGroup()
    private let ended = DispatchSemaphore(value: 0)

    /// Starts the program, which stands beside the tests in the build folder.
    ///
    /// - Parameters:
    ///   - executable: another program in its place.
    ///   - folder: the process's working folder.
    ///   - seconds: beyond this a process has hung: it is killed, and its test fails for it.
    init(
        _ arguments: [String], of executable: URL? = nil, in folder: URL, environment: [String: String] = [:],
        within seconds: Double = 120
    ) throws {
        let executable = executable ?? Self.buildFolder?.appendingPathComponent("permafrost")
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        readingErrors.enter()
        Thread { [self] in
            let text = errors.fileHandleForReading.readDataToEndOfFile()
            errorText.withLock { $0 = text }
            readingErrors.leave()
        }.start()
        let identifier = process.processIdentifier
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in
            if self?.process.isRunning == true { kill(identifier, SIGKILL) }
        }
    }

    /// Runs the program to its end.
    static func run(_ arguments: [String], in folder: URL) throws -> Outcome {
        try Program(arguments, in: folder).finish()
    }

    /// Runs lines of a shell, for which `permafrost` is the built program, up to the first that fails.
    static func shell(_ text: String, in folder: URL) throws -> Outcome {
        let path = [buildFolder?.path, ProcessInfo.processInfo.environment["PATH"]].compactMap { $0 }
        return try Program(
            ["-euo", "pipefail", "-c", text], of: URL(fileURLWithPath: "/bin/bash"), in: folder,
            environment: ["PATH": path.joined(separator: ":")]
        ).finish()
    }

    /// Reads the output until a whole line begins with a text; nil when the output ends before.
    func line(beginningWith prefix: String) -> String? {
        var text = Data()
        while true {
            let piece = output.fileHandleForReading.availableData
            guard !piece.isEmpty else { return nil }
            text += piece
            let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            // What follows the last line end is not a whole line yet.
            if let line = lines.dropLast().first(where: { $0.hasPrefix(prefix) }) { return String(line) }
        }
    }

    /// Sends a signal.
    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Stops reading what the program prints, as `head` does.
    func closeOutput() throws { try output.fileHandleForReading.close() }

    /// Waits for the end; `output` is what no other call has read.
    func finish() throws -> Outcome {
        let rest = (try? output.fileHandleForReading.readToEnd()) ?? nil
        readingErrors.wait()
        ended.wait()
        return Outcome(
            exitCode: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal,
            output: String(decoding: rest ?? Data(), as: UTF8.self),
            errors: String(decoding: errorText.withLock { $0 }, as: UTF8.self))
    }
}
