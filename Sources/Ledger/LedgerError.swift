import Diagnostics

/// Why the ledger cannot be used, or what it does not hold.
public enum LedgerError: NumberedError, Equatable {
    /// No coordinator and no operator has written a ledger there.
    case noLedger(folder: String)
    /// Another coordinator works with the folder.
    case stateInUse(folder: String)
    /// A file, a table or a row is not what was written.
    case damaged(file: String, table: String?, row: String?, reason: String)
    /// The database is whole, and older than what was written.
    case lostTransactions(file: String, recorded: UInt64, found: UInt64)
    /// A step does not follow from the one before it.
    case chainBroken(file: String, run: String, step: Int)
    /// A later version of this program wrote the ledger.
    case newerVersion(file: String)
    /// The operating system or SQLite refused.
    case unusable(file: String, reason: String)
    /// A name that the ledger does not hold, with the nearest one that it does.
    case unknown(kind: String, name: String, nearest: String?)
    /// Something cannot be recorded as it is.
    case refused(reason: String)
    /// A key belongs to somebody already.
    case keyTaken(id: String, owner: String)

    /// The number under which the error is documented.
    public var exitCode: ExitCode {
        switch self {
        case .damaged, .lostTransactions, .chainBroken: .ledgerDamaged
        case .stateInUse: .stateInUse
        case .noLedger, .newerVersion, .unusable: .ledgerUnusable
        case .unknown: .notInLedger
        case .refused, .keyTaken: .ledgerRefused
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .noLedger(let folder): return "\(folder) holds no ledger"
        case .stateInUse(let folder): return "another coordinator works with \(folder)"
        case .damaged(let file, let table, let row, let reason):
            let place = [table.map { "table \($0)" }, row.map { "row \($0)" }].compactMap { $0 }
            return (["\(file) is damaged"] + place).joined(separator: ", ") + ": \(reason)"
        case .lostTransactions(let file, let recorded, let found):
            return "\(file) has lost what was written last: \(recorded) transactions were committed, \(found) are there"
        case .chainBroken(let file, let run, let step):
            let row = "row run=\(run) step=\(step)"
            return "\(file) is damaged, table steps, \(row): it does not follow from the step before"
        case .newerVersion(let file): return "\(file) was written by a later version of this program"
        case .unusable(let file, let reason): return "\(file) cannot be used: \(reason)"
        case .unknown(let kind, let name, let nearest):
            return "no \(kind) is called \(name)" + (nearest.map { "; did you mean \($0)?" } ?? "")
        case .refused(let reason): return reason
        case .keyTaken(let id, let owner): return "the key for \(id) belongs to \(owner) already"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .noLedger: "Start a coordinator with this state folder, or name its folder with --state"
        case .stateInUse: "Stop the other coordinator, or give this one a state folder of its own"
        case .damaged, .lostTransactions, .chainBroken:
            "Restore the state folder from a backup, or delete it: a new run then begins"
        case .newerVersion: "Use the program's newer version, or another state folder"
        case .unusable: "Check the folder's permissions and the disk"
        case .unknown: "run ls, devices ls and workers ls list what is there"
        case .refused: "Look at what is there with run info, and correct the command"
        case .keyTaken: "Make a key of its own for each device and worker, or revoke the other one"
        }
    }
}
