import Foundation
import Synchronization

/// A file of what roles do and when, in the Trace Event Format that browsers' trace viewers open.
///
/// Events are written as they come, a piece of text at a time, so that a long run takes no more memory than a short one.
/// A file that was cut off, as by `kill -9`, can still be opened: the format lets its list go without an end. Used by any
/// thread.
public final class Trace: Sendable {
    /// Text that is kept before it is written.
    private static let pieceBytes = 64 << 10
    /// How long text waits for more before the next event takes it along.
    private static let longestWait = Duration.seconds(1)

    private struct Row: Hashable {
        let role: Int
        let name: String
    }

    private struct State {
        /// Nil once nothing more can be written.
        var handle: FileHandle?
        var problem: String?
        var text = Array("[".utf8)
        var written = ContinuousClock.now
        var events = 0
        var roles = 0
        /// Rows that have their names.
        var rows: [Row: Int] = [:]
    }

    private let path: String
    private let begin = ContinuousClock.now
    private let state: Mutex<State>

    /// Makes the file, in place of one that is there.
    ///
    /// - Throws: `TraceError.unwritable`.
    public init(file path: String) throws(TraceError) {
        self.path = path
        do {
            try Data().write(to: URL(fileURLWithPath: path))
            state = Mutex(State(handle: try FileHandle(forWritingTo: URL(fileURLWithPath: path))))
        } catch {
            throw .unwritable(file: path, reason: systemReason(of: error))
        }
    }

    /// Gives a role a part of the picture.
    public func role(_ name: String) -> Tracer {
        let number = state.withLock { state in
            state.roles += 1
            add(TraceEvent(kind: .processName, name: name, role: state.roles), to: &state)
            return state.roles
        }
        return Tracer(trace: self, role: number)
    }

    /// Writes what is left. Events that come later are dropped.
    ///
    /// - Returns: how many events the file has.
    /// - Throws: `TraceError.unwritable` when some could not be written, at whatever time.
    public func finish() throws(TraceError) -> Int {
        let (events, problem) = state.withLock { state in
            state.text += Array("\n]\n".utf8)
            write(&state)
            try? state.handle?.close()
            state.handle = nil
            return (state.events, state.problem)
        }
        if let problem { throw .unwritable(file: path, reason: problem) }
        return events
    }

    /// Adds an event to a row of a role, or to the role itself.
    func add(_ event: TraceEvent, row name: String? = nil) {
        state.withLock { state in
            guard state.handle != nil else { return }
            var event = event
            if let name { event.row = row(Row(role: event.role, name: name), &state) }
            add(event, to: &state)
            let isDue = ContinuousClock.now - state.written >= Self.longestWait
            if state.text.count >= Self.pieceBytes || isDue { write(&state) }
        }
    }

    /// The number of a row, which gets its name when it is first used.
    private func row(_ row: Row, _ state: inout State) -> Int {
        if let number = state.rows[row] { return number }
        let number = state.rows.count + 1
        state.rows[row] = number
        add(TraceEvent(kind: .rowName, name: row.name, role: row.role, row: number), to: &state)
        return number
    }

    private func add(_ event: TraceEvent, to state: inout State) {
        state.text += Array((state.events == 0 ? "\n" : ",\n").utf8)
        event.write(to: &state.text, since: begin)
        state.events += 1
    }

    /// A trace that cannot be written ends, and the run goes on.
    private func write(_ state: inout State) {
        do {
            try state.handle?.write(contentsOf: Data(state.text))
        } catch {
            state.problem = systemReason(of: error)
            state.handle = nil
        }
        state.text.removeAll(keepingCapacity: true)
        state.written = ContinuousClock.now
    }
}

/// Why there is no trace.
public enum TraceError: NumberedError, Equatable {
    /// The file cannot be made, or could not be written to its end.
    case unwritable(file: String, reason: String)

    /// The number with which the process exits.
    public var exitCode: ExitCode { .runFolderUnwritable }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .unwritable(let file, let reason): "The trace \(file) cannot be written: \(reason)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .unwritable: "Name another file with --trace, or free some disk space"
        }
    }
}
