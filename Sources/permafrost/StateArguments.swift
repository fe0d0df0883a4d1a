import ArgumentParser
import Diagnostics
import Foundation
import Ledger

/// The ledger that a command is about.
struct StateArguments: ParsableArguments {
    private static let standard = "state/coordinator"

    @Option(help: "The coordinator's state folder.", completion: .directory)
    var state = standard

    /// A command about the same ledger, to be typed next.
    func next(_ command: String) -> String {
        "permafrost \(command)" + (state == Self.standard ? "" : " --state \(state)")
    }

    /// - Throws: `LedgerError`.
    func ledger(_ access: Ledger.Access) throws -> Ledger { try Ledger(folder: state, access: access) }

    /// The run with an id, or the newest one.
    ///
    /// - Throws: `LedgerError.unknown`, `OperationError.noRun`.
    func run(_ id: String?, in ledger: Ledger) throws -> RecordedRun {
        if let id { return try ledger.run(id) }
        guard let newest = try ledger.runs().first else { throw OperationError.noRun(state: state) }
        return newest
    }
}

/// What an operator asked for and cannot have.
enum OperationError: NumberedError {
    case noRun(state: String)
    case keyUnreadable(path: String, reason: String)

    var exitCode: Diagnostics.ExitCode {
        switch self {
        case .noRun: .notInLedger
        case .keyUnreadable: .ledgerRefused
        }
    }

    var problem: String {
        switch self {
        case .noRun(let state): "\(state) has no run yet"
        case .keyUnreadable(let path, let reason): "no public key can be read from \(path): \(reason)"
        }
    }

    var remedy: String {
        switch self {
        case .noRun: "Begin one with: permafrost coordinator RECIPE"
        case .keyUnreadable: "Name the .pub file that 'permafrost keys generate' wrote"
        }
    }
}

extension Figures {
    /// `2026-01-01 12:00:00`: a moment in UTC.
    static func moment(_ time: Double) -> String {
        Date(timeIntervalSince1970: time).formatted(
            Date.ISO8601FormatStyle(dateSeparator: .dash, dateTimeSeparator: .space, timeSeparator: .colon)
                .year().month().day().time(includingFractionalSeconds: false))
    }

    /// `4.2 s`: how long ago a moment was.
    static func age(since time: Double) -> String { duration(Date().timeIntervalSince1970 - time) }
}
