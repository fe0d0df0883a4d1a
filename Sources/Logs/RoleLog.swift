import Foundation
import Logging
import Synchronization

/// The log of a role's process: one entry for each event, in one of two formats, never more than `LogBudget` allows.
///
/// Lines that are printed while an event is shown are that event's text; others are notes.
public final class RoleLog: LineSink {
    private struct State {
        var logger: Logger
        var budget = LogBudget()
        /// Of the event that is being shown.
        var lines: [String] = []
        var thread: pthread_t?
    }

    private let format: LogFormat
    private let output: any LineSink
    private let start = ContinuousClock.now
    private let state: Mutex<State>
    /// Held while an event is shown.
    private let turn = NSLock()

    /// - Parameters:
    ///   - level: of the least that is logged.
    ///   - output: where lines for people go.
    ///   - writeJSON: where lines of JSON go.
    public init(
        role: String, id: String, run: String? = nil, format: LogFormat, level: Logger.Level, output: any LineSink,
        writeJSON: @escaping @Sendable (String) -> Void
    ) {
        self.format = format
        self.output = output
        let writeText: @Sendable (String) -> Void = { output.line($0) }
        let write = format == .json ? writeJSON : writeText
        let handler = RoleLogHandler(format: format, write: write, logLevel: level)
        var logger = Logger(label: "permafrost.\(role)", factory: { (_: String) -> any LogHandler in handler })
        logger[metadataKey: "role"] = .string(role)
        logger[metadataKey: "id"] = .string(id)
        if let run { logger[metadataKey: "run"] = .string(run) }
        state = Mutex(State(logger: logger))
    }

    /// Every later line is of this run.
    public func set(run: String) { state.withLock { $0.logger[metadataKey: "run"] = .string(run) } }

    /// Logs an event.
    ///
    /// - Parameters:
    ///   - level: of an event that has a line; one that has none is of `debug` at most.
    ///   - show: prints it on this log, for people.
    public func event(_ event: Any, level: (_ name: String) -> Logger.Level, show: () -> Void) {
        turn.lock()
        defer { turn.unlock() }
        state.withLock { $0.thread = pthread_self() }
        show()
        let lines = state.withLock { state in
            defer { (state.lines, state.thread) = ([], nil) }
            return state.lines
        }
        let description = EventDescription(event), level = level(description.name)
        write(description, lines.isEmpty ? min(level, .debug) : level, lines.joined(separator: "\n"))
    }

    /// Logs something that is no event of the role's part in a run.
    public func note(_ name: String, _ level: Logger.Level, _ text: String, _ fields: Logger.Metadata = [:]) {
        write(EventDescription(name: name, fields: fields), level, text)
    }

    /// A line of the event that is being shown, or a note.
    public func line(_ text: String) {
        let isOfEvent = state.withLock { state in
            guard let thread = state.thread, pthread_equal(thread, pthread_self()) != 0 else { return false }
            state.lines.append(text)
            return true
        }
        if !isOfEvent { note("note", .info, text) }
    }

    /// How far something is. JSON has it as the event's fields.
    public func status(_ text: @autoclosure () -> String) {
        guard format == .text, state.withLock({ $0.logger.logLevel }) <= .info else { return }
        output.status(text())
    }

    private func write(_ event: EventDescription, _ level: Logger.Level, _ text: String) {
        state.withLock { state in
            guard level >= state.logger.logLevel, format == .json || !text.isEmpty else { return }
            let (isGranted, leftOut) = state.budget.take(event.name, now: ContinuousClock.now - start)
            if leftOut > 0 {
                state.logger.log(
                    level: .warning, "more      \(leftOut) lines of \(event.name) were left out",
                    metadata: [
                        "event": "left_out",
                        "fields": ["of": .string(event.name), "count": .stringConvertible(leftOut)],
                    ])
            }
            guard isGranted else { return }
            var metadata: Logger.Metadata = ["event": .string(event.name)]
            if !event.fields.isEmpty { metadata["fields"] = .dictionary(event.fields) }
            state.logger.log(level: level, "\(text)", metadata: metadata)
        }
    }
}
