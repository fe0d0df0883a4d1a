import Foundation
internal import GRDB

/// The ledger's files: the database, and the head that tells how much of it there must be.
final class LedgerDatabase: Sendable {
    let path: String
    private let head: LedgerHead
    private let pool: DatabasePool

    /// Opens, and if need be makes, the files, after a check of all of them.
    ///
    /// - Throws: `LedgerError`.
    init(folder: String, writes: Bool) throws(LedgerError) {
        let path = "\(folder)/ledger.sqlite"
        let headPath = "\(folder)/ledger.head"
        self.path = path
        guard let head = try LedgerHead(path: headPath, writes: writes) else {
            guard access(path, F_OK) == 0 else { throw .noLedger(folder: folder) }
            throw .damaged(file: headPath, table: nil, row: nil, reason: "it is missing")
        }
        self.head = head
        pool = try head.locked(exclusively: writes) { () throws(LedgerError) in
            if access(path, F_OK) == 0 {
                guard let commits = head.commits else {
                    throw .damaged(file: headPath, table: nil, row: nil, reason: "neither of its two counts is whole")
                }
                let isBegun = try LedgerInspection(path: path).check(commits: commits)
                guard isBegun || writes else { throw .noLedger(folder: folder) }
            } else {
                let commits = head.commits ?? 0
                guard commits == 0 else { throw .lostTransactions(file: path, recorded: commits, found: 0) }
                guard writes else { throw .noLedger(folder: folder) }
                try head.begin()
            }
            return try Self.open(path, writes: writes)
        }
    }

    /// How many transactions were committed, nil when nobody can tell now.
    var commits: UInt64? { head.commits }

    /// What every connection to the database has.
    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF")
        }
        return configuration
    }

    private static func open(_ path: String, writes: Bool) throws(LedgerError) -> DatabasePool {
        var configuration = configuration
        configuration.readonly = !writes
        return try naming(path) {
            let pool = try DatabasePool(path: path, configuration: configuration)
            guard writes else { return pool }
            // GRDB asks for less with a log: the last commits before a power loss could be missing.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try LedgerSchema.migrator.migrate(pool)
            return pool
        }
    }

    /// Reads one state of the database.
    ///
    /// - Throws: `LedgerError`.
    func read<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        try Self.naming(path) { try pool.read(body) }
    }

    /// Writes one transaction. It is durable when this returns.
    ///
    /// - Throws: `LedgerError`; then nothing was written, unless the error is `unusable`.
    func write<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        try Self.naming(path) {
            try pool.writeWithoutTransaction { database in
                var result: Result?
                var commits: Int64 = 0
                try database.inTransaction(.immediate) {
                    result = try body(database)
                    commits = try database.raise(MetaRecord.commits)
                    return .commit
                }
                try head.raise(to: UInt64(bitPattern: commits))
                guard let result else { throw LedgerError.unusable(file: path, reason: "the transaction did not run") }
                return result
            }
        }
    }

    /// Says of every error which file, table and row it is about.
    static func naming<Result>(_ path: String, _ body: () throws -> Result) throws(LedgerError) -> Result {
        do {
            return try body()
        } catch let error as LedgerError {
            throw error
        } catch let error as RowDamage {
            throw .damaged(file: path, table: error.table, row: error.row, reason: error.reason)
        } catch let error as DatabaseError {
            let reason = error.message ?? error.resultCode.description
            if error.isDamage { throw .damaged(file: path, table: nil, row: nil, reason: reason) }
            if error.resultCode == .SQLITE_CONSTRAINT { throw .refused(reason: "the ledger refuses it: \(reason)") }
            throw .unusable(file: path, reason: reason)
        } catch {
            throw .unusable(file: path, reason: "\(error)")
        }
    }
}

extension Database {
    /// Adds one to a number of the ledger, and gives the sum.
    func raise(_ name: String) throws -> Int64 {
        var row = try row(MetaRecord.self, name) ?? MetaRecord(name: name, value: 0)
        row.value &+= 1
        try put(row)
        return row.value
    }
}
