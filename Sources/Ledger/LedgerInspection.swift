internal import GRDB

/// The check of a database before it is used. It only reads, so that damage stays as it was found.
struct LedgerInspection {
    let path: String

    /// - Parameter commits: the transactions that must be there.
    /// - Returns: whether the database has tables yet.
    /// - Throws: `LedgerError`.
    func check(commits: UInt64) throws(LedgerError) -> Bool {
        try LedgerDatabase.naming(path) {
            var configuration = LedgerDatabase.configuration
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read { database in
                try checkPages(database)
                guard try checkSchema(database) else {
                    guard commits == 0 else {
                        throw LedgerError.lostTransactions(file: path, recorded: commits, found: 0)
                    }
                    return false
                }
                let found = try database.row(MetaRecord.self, MetaRecord.commits)?.value ?? 0
                guard UInt64(bitPattern: found) >= commits else {
                    throw LedgerError.lostTransactions(
                        file: path, recorded: commits, found: UInt64(bitPattern: found))
                }
                return true
            }
        }
    }

    private func checkPages(_ database: Database) throws {
        guard let fault = try fault(database, of: nil) else {
            guard let orphan = try Row.fetchOne(database, sql: "PRAGMA foreign_key_check") else { return }
            throw LedgerError.damaged(
                file: path, table: (orphan["table"] as DatabaseValue?)?.description,
                row: (orphan["rowid"] as DatabaseValue?).map { "rowid=\($0)" }, reason: "what it belongs to is missing")
        }
        // The whole check names pages, that of a table the table.
        let table = LedgerSchema.rows.map { $0.table }.first { table in
            do { return try self.fault(database, of: table) != nil } catch { return true }
        }
        throw LedgerError.damaged(file: path, table: table, row: nil, reason: fault)
    }

    private func fault(_ database: Database, of table: String?) throws -> String? {
        let argument = table.map { "(\($0))" } ?? ""
        let answer = try String.fetchOne(database, sql: "PRAGMA integrity_check\(argument)") ?? "no answer"
        return answer == "ok" ? nil : answer.replacing("\n", with: " ")
    }

    /// Compares the schema with that which the same migrations make.
    ///
    /// - Returns: whether there is a schema.
    private func checkSchema(_ database: Database) throws -> Bool {
        let found = try schema(of: database)
        guard !found.isEmpty else { return false }
        let version = try database.row(MetaRecord.self, MetaRecord.schema)?.value ?? 0
        guard version <= LedgerSchema.newest else { throw LedgerError.newerVersion(file: path) }
        let migrator = LedgerSchema.migrator
        guard version > 0, try migrator.appliedIdentifiers(database) == Set((1...version).map(String.init)) else {
            throw damaged("grdb_migrations", "it does not say version \(version)")
        }
        let model = try DatabaseQueue()
        try migrator.migrate(model, upTo: String(version))
        let expected = try model.read(schema)
        for name in Set(found.keys).union(expected.keys).sorted() where found[name] != expected[name] {
            throw damaged("sqlite_master", "\(name) is not defined as it was")
        }
        return true
    }

    private func schema(of database: Database) throws -> [String: String] {
        let rows = try Row.fetchAll(database, sql: "SELECT name, type, tbl_name, sql FROM sqlite_master")
        return Dictionary(rows.map { (($0["name"] as DatabaseValue?)?.description ?? "", "\($0)") }) { $0 + $1 }
    }

    private func damaged(_ table: String, _ reason: String) -> LedgerError {
        .damaged(file: path, table: table, row: nil, reason: reason)
    }
}
