import Foundation
import Synchronization

/// A role's process, started again whenever a signal ends it, as Kubernetes or systemd would. Its output goes to a file.
final class SupervisedRole: Sendable {
    private struct State {
        var process: Process?
        var deaths = 0
        /// Whether nobody starts it again.
        var isLetGo = false
        var exitCode: Int32?
    }

    let name: String
    private let arguments: [String]
    private let folder: URL
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameter folder: the process's working folder, which gets the role's log.
    init(_ name: String, _ arguments: [String], in folder: URL) {
        self.name = name
        self.arguments = arguments
        self.folder = folder
    }

    /// How often a signal ended it.
    var deaths: Int { state.withLock(\.deaths) }

    /// What it printed, all lives together.
    var log: String { (try? String(contentsOf: logFile, encoding: .utf8)) ?? "" }

    /// Starts it for the first time.
    ///
    /// - Parameter failpoint: the moment at which its first life ends.
    func start(failpoint: String? = nil) throws {
        FileManager.default.createFile(atPath: logFile.path, contents: nil)
        try launch(failpoint.map { ["PERMAFROST_FAILPOINT": $0] } ?? [:])
    }

    /// Sends a signal to the process of now, if there is one.
    func signal(_ number: Int32) {
        state.withLock { state in
            if let process = state.process, process.isRunning { kill(process.processIdentifier, number) }
        }
    }

    /// Kills it for good.
    func letGo() {
        state.withLock { $0.isLetGo = true }
        signal(SIGKILL)
    }

    /// Waits until it ended by itself; nil when it has not after so long.
    func exitCode(within seconds: Double) -> Int32? {
        _ = ended.wait(timeout: .now() + seconds)
        return state.withLock(\.exitCode)
    }

    private var logFile: URL { folder.appendingPathComponent("\(name).log") }

    private func launch(_ environment: [String: String]) throws {
        let process = Process()
        process.executableURL = Bundle.main.executableURL?.deletingLastPathComponent()
            .appendingPathComponent("permafrost")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = try FileHandle(forWritingTo: logFile)
        try output.seekToEnd()
        process.standardOutput = output
        process.standardError = output
        process.terminationHandler = { [weak self] in self?.terminated($0) }
        try state.withLock { state in
            try process.run()
            state.process = process
        }
    }

    private func terminated(_ process: Process) {
        let startsAgain = state.withLock { state in
            guard process.terminationReason == .uncaughtSignal, !state.isLetGo else {
                state.exitCode = process.terminationStatus
                return false
            }
            state.deaths += 1
            return true
        }
        guard startsAgain else {
            ended.signal()
            return
        }
        do {
            try launch([:])
        } catch {
            ended.signal()
        }
    }
}
