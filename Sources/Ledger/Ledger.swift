import Diagnostics
import Foundation
internal import GRDB

/// What a coordinator remembers: runs, devices, workers, assignments, steps, orders and keys, in `ledger.sqlite`.
///
/// What was written is there after any crash or power loss, and damage is found and named, not used. Any number of
/// processes may read; operators write orders and keys beside the one coordinator.
public final class Ledger: Sendable {
    /// What a process may do.
    public enum Access: Sendable {
        /// Everything; only one at a time. Makes the folder and the ledger.
        case coordinator
        /// Orders and keys. Makes the folder and the ledger.
        case operations
        /// Nothing is written.
        case reading
    }

    let database: LedgerDatabase
    /// Held for as long as the coordinator has the ledger.
    private let lock: StateFolderLock?

    /// Opens the ledger of a state folder, after a check of it.
    ///
    /// - Throws: `LedgerError`.
    public init(folder: String, access: Access) throws(LedgerError) {
        if access != .reading {
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            } catch {
                throw .unusable(file: folder, reason: systemReason(of: error))
            }
        }
        lock = access == .coordinator ? try StateFolderLock(folder) : nil
        database = try LedgerDatabase(folder: folder, writes: access != .reading)
    }

    /// Writes entries in one transaction, which is durable when this returns.
    ///
    /// - Throws: `LedgerError`; then none of them was written.
    public func record(_ entries: [LedgerEntry]) throws(LedgerError) {
        guard !entries.isEmpty else { return }
        let recording = Recording(time: Date().timeIntervalSince1970)
        try database.write { database in
            for entry in entries { try recording.apply(entry, to: database) }
        }
    }
}

/// Keeps other coordinators out of a folder; ends with the process, however it ends.
private final class StateFolderLock: Sendable {
    private let descriptor: Int32

    init(_ folder: String) throws(LedgerError) {
        descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unusable(file: folder, reason: String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .stateInUse(folder: folder) }
    }

    deinit { close(descriptor) }
}
