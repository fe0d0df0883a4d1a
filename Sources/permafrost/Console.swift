import Foundation
import Logs
import Synchronization

/// What the program says: whole lines, and on a terminal one line at the bottom that keeps changing.
final class Console: LineSink {
    /// Status lines of a plain output, a file or a pipe, come no more often than this.
    private static let plainInterval = Duration.seconds(10)
    /// Takes a terminal's last line away.
    private static let clearing = "\r\u{1B}[K"

    private struct State {
        /// The terminal that shows a status line now.
        var statusHandle: FileHandle?
        var lastPlainStatus = ContinuousClock.now
    }

    /// Both outputs can be the same terminal, so what one shows concerns the other.
    private static let state = Mutex(State())

    private let handle: FileHandle
    private let isTerminal: Bool

    /// - Parameter toErrors: progress beside an answer in JSON goes to the standard error.
    init(toErrors: Bool = false) {
        handle = toErrors ? .standardError : .standardOutput
        isTerminal = isatty(handle.fileDescriptor) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// A line that stays.
    func line(_ text: String) {
        Self.state.withLock { state in
            if let statusHandle = state.statusHandle.take() { write(Self.clearing, to: statusHandle) }
            write(text + "\n", to: handle)
        }
    }

    /// A line that the next one replaces; in a plain output only now and then.
    func status(_ text: @autoclosure () -> String) {
        Self.state.withLock { state in
            let now = ContinuousClock.now
            if isTerminal {
                write(Self.clearing + text().prefix(columns), to: handle)
                state.statusHandle = handle
            } else if now - state.lastPlainStatus >= Self.plainInterval {
                write(text() + "\n", to: handle)
                state.lastPlainStatus = now
            }
        }
    }

    /// The longest text of one line on the terminal: a longer one would leave lines behind that nothing clears.
    private var columns: Int { max(1, size.columns - 1) }

    private var size: (rows: Int, columns: Int) {
        var size = winsize()
        guard ioctl(handle.fileDescriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (24, 80) }
        return (Int(size.ws_row), Int(size.ws_col))
    }

    /// Rows and columns of the terminal that answers are printed on, nil where it is none.
    static var screen: (rows: Int, columns: Int)? {
        let console = Console()
        return console.isTerminal ? console.size : nil
    }

    private func write(_ text: String, to handle: FileHandle) {
        // Nobody is left to be told that a reader went away.
        try? handle.write(contentsOf: Foundation.Data(text.utf8))
    }

    /// Prints a part of an answer at once.
    static func write(_ text: String) { Console().write(text, to: .standardOutput) }

    /// Prints an answer.
    static func print(_ text: String) { Console().line(text) }

    /// Prints an error.
    static func printError(_ text: String) { Console(toErrors: true).line(text) }
}
