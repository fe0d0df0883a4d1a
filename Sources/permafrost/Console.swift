import Foundation
import Synchronization

/// What the program says: whole lines, and on a terminal one line at the bottom that keeps changing.
final class Console: Sendable {
    /// Status lines of a plain output, a file or a pipe, come no more often than this.
    private static let plainInterval = Duration.seconds(10)

    private struct State {
        var hasStatus = false
        var lastStatus: ContinuousClock.Instant?
    }

    private let handle: FileHandle
    private let isTerminal: Bool
    private let state = Mutex(State())

    /// - Parameter toErrors: progress beside an answer in JSON goes to the standard error.
    init(toErrors: Bool = false) {
        handle = toErrors ? .standardError : .standardOutput
        isTerminal = isatty(handle.fileDescriptor) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// A line that stays.
    func line(_ text: String) {
        state.withLock { state in
            write((state.hasStatus ? "\r\u{1B}[K" : "") + text + "\n")
            state.hasStatus = false
        }
    }

    /// A line that the next one replaces; in a plain output only now and then.
    func status(_ text: @autoclosure () -> String) {
        state.withLock { state in
            let now = ContinuousClock.now
            if isTerminal {
                write("\r\u{1B}[K" + text())
                state.hasStatus = true
            } else if state.lastStatus.map({ now - $0 >= Self.plainInterval }) ?? true {
                write(text() + "\n")
                state.lastStatus = now
            }
        }
    }

    private func write(_ text: String) {
        // A reader that went away, as in `permafrost train … | head`, is no reason to stop training.
        try? handle.write(contentsOf: Foundation.Data(text.utf8))
    }

    /// Prints an answer.
    static func print(_ text: String) { Console().line(text) }

    /// Prints an error.
    static func printError(_ text: String) { Console(toErrors: true).line(text) }
}
