internal import GRDB

extension Database {
    /// Writes a row, in place of the one with its key.
    func put<R: LedgerRow>(_ row: R) throws {
        let columns = try row.columns()
        let names = columns.map { "\"\($0.name)\"" } + [checksumColumn]
        let changes = names.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        let statement = try cachedStatement(
            sql: """
                INSERT INTO \(R.table) (\(names.joined(separator: ", ")))
                VALUES (\(names.map { _ in "?" }.joined(separator: ", ")))
                ON CONFLICT (\(R.key.joined(separator: ", "))) DO UPDATE SET \(changes)
                """)
        try statement.execute(arguments: StatementArguments(columns.map(\.value) + [R.checksum(columns).databaseValue]))
    }

    /// Writes a row as the next one of its table.
    func append<R: NumberedRow>(_ row: R) throws -> R {
        var row = row
        row.id = try (Int64.fetchOne(self, sql: "SELECT max(id) FROM \(R.table)") ?? 0) + 1
        try put(row)
        return row
    }

    /// The row with a key.
    func row<R: LedgerRow>(_ type: R.Type, _ key: any DatabaseValueConvertible...) throws -> R? {
        let terms = R.key.map { "\($0) = ?" }.joined(separator: " AND ")
        return try rows(type, "WHERE \(terms)", StatementArguments(key.map(\.databaseValue))).first
    }

    /// Changes the row with a key.
    ///
    /// - Throws: `LedgerError.refused` when it is not there.
    func change<R: LedgerRow>(_ type: R.Type, _ key: String..., to change: (inout R) throws -> Void) throws {
        let terms = R.key.map { "\($0) = ?" }.joined(separator: " AND ")
        guard var row = try rows(type, "WHERE \(terms)", StatementArguments(key)).first else {
            throw LedgerError.refused(reason: "\(R.table) has no row \(key.joined(separator: " "))")
        }
        try change(&row)
        try put(row)
    }

    /// The rows that a clause chooses, all of them verified.
    func rows<R: LedgerRow>(_ type: R.Type, _ clause: String = "", _ arguments: StatementArguments = []) throws -> [R] {
        var rows: [R] = []
        try forEach(type, clause, arguments) { rows.append($0) }
        return rows
    }

    /// Visits the rows that a clause chooses, all of them verified, one in memory at a time.
    func forEach<R: LedgerRow>(
        _ type: R.Type, _ clause: String, _ arguments: StatementArguments = [], _ body: (R) throws -> Void
    ) throws {
        do {
            let statement = try cachedStatement(sql: "SELECT * FROM \(R.table) \(clause)")
            let rows = try Row.fetchCursor(statement, arguments: arguments)
            while let row = try rows.next() { try body(R.verified(row)) }
        } catch let error as DatabaseError where error.isDamage {
            throw RowDamage(table: R.table, row: nil, reason: error.message ?? "SQLite cannot read it")
        }
    }
}

extension DatabaseError {
    /// Whether SQLite found the file, or a schema that it reads from it, to be wrong.
    var isDamage: Bool {
        [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_FORMAT].contains(resultCode)
    }
}
