import Foundation
import Synchronization

/// A role's process, started again whenever a signal ends it or somebody restarts it, as Kubernetes or systemd would. Its
/// output goes to a file.
///
/// Not a Foundation `Process`: that notices an end only when every process that was started later has ended as well.
final class SupervisedRole: Sendable {
    private struct State {
        var arguments: [String]
        var process: pid_t?
        var deaths = 0
        /// Whether its process was asked to end and is to be started again.
        var isRestarting = false
        /// Whether nobody starts it again.
        var isLetGo = false
        var exitCode: Int32?
    }

    let name: String
    private let prefix: [String]
    private let folder: URL
    private let state: Mutex<State>
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - folder: the process's working folder, which gets the role's log.
    ///   - prefix: NAME=VALUE settings of its environment, and then a command that becomes the program behind it.
    init(_ name: String, _ arguments: [String], in folder: URL, prefix: [String] = []) {
        self.name = name
        self.folder = folder
        self.prefix = prefix
        state = Mutex(State(arguments: arguments))
    }

    /// How often a signal ended it.
    var deaths: Int { state.withLock(\.deaths) }

    /// The process of now; nil when there is none.
    var process: pid_t? { state.withLock(\.process) }

    /// What it printed, all lives together.
    var log: String { (try? String(contentsOf: logFile, encoding: .utf8)) ?? "" }

    /// Waits until it prints a line that begins with a text and contains another one.
    func line(beginningWith prefix: String, containing text: String = "", within seconds: Double) -> String? {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            let lines = log.split(separator: "\n", omittingEmptySubsequences: false)
            let line = lines.dropLast().first { $0.hasPrefix(prefix) && (text.isEmpty || $0.contains(text)) }
            if let line { return String(line) }
            usleep(5000)
        }
        return nil
    }

    /// Starts it, and starts it again until it ends by itself; also once more after that.
    ///
    /// - Parameter failpoint: the moment at which its first life ends.
    func start(failpoint: String? = nil) {
        // Of a life that has ended by itself.
        while ended.wait(timeout: .now()) == .success {}
        state.withLock { $0.exitCode = nil }
        let thread = Thread { [self] in
            var failpoint = failpoint
            while live(failpoint: failpoint.take()) {}
            ended.signal()
        }
        thread.name = name
        thread.start()
    }

    /// Sends a signal to the process of now, if there is one.
    func signal(_ number: Int32) {
        state.withLock { state in
            if let process = state.process { kill(process, number) }
        }
    }

    /// Asks the process of now to end in good order, and starts another one.
    ///
    /// - Parameter arguments: those of the other one, and of all after it; nil for the same.
    func restart(as arguments: [String]? = nil) {
        state.withLock { state in
            state.arguments = arguments ?? state.arguments
            guard let process = state.process else { return }
            state.isRestarting = true
            kill(process, SIGTERM)
        }
    }

    /// Kills it for good.
    func letGo() {
        state.withLock { $0.isLetGo = true }
        signal(SIGKILL)
    }

    /// Waits until it ended by itself; nil when it has not after so long.
    func exitCode(within seconds: Double) -> Int32? {
        if ended.wait(timeout: .now() + seconds) == .success { ended.signal() }
        return state.withLock(\.exitCode)
    }

    private var logFile: URL { folder.appendingPathComponent("\(name).log") }

    /// One life of the process, from its start to its end.
    ///
    /// - Returns: whether there is another one.
    private func live(failpoint: String?) -> Bool {
        guard let process = launch(failpoint: failpoint) else { return false }
        var status: Int32 = 0
        // Not reaped yet, so that no signal can meet another process.
        var information = siginfo_t()
        while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return state.withLock { state in
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
            state.process = nil
            let wasKilled = status & 0x7F != 0
            guard wasKilled || state.isRestarting, !state.isLetGo else {
                state.exitCode = wasKilled ? nil : (status >> 8) & 0xFF
                return false
            }
            if wasKilled { state.deaths += 1 }
            state.isRestarting = false
            return true
        }
    }

    private func launch(failpoint: String?) -> pid_t? {
        let program = Bundle.main.executableURL?.deletingLastPathComponent().appendingPathComponent("permafrost").path
        guard let program else { return nil }
        var environment = ProcessInfo.processInfo.environment
        environment["PERMAFROST_FAILPOINT"] = failpoint
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, logFile.path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // env, which changes the folder, becomes the program.
        let arguments = state.withLock(\.arguments)
        var words = (["env", "-C", folder.path] + prefix + [program] + arguments).map { strdup($0) } + [nil]
        var settings = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in words + settings { free(text) } }
        return state.withLock { state in
            guard !state.isLetGo else { return nil }
            var process = pid_t()
            guard posix_spawn(&process, "/usr/bin/env", &actions, nil, &words, &settings) == 0 else { return nil }
            state.process = process
            return process
        }
    }
}
