import CLMDB

/// A transaction under way. Unchecked: one thread uses it at a time, and hands it on by a lock.
struct LMDBTransaction: @unchecked Sendable {
    let pointer: OpaquePointer
    private let handles: [StoreTable: MDB_dbi]

    init(pointer: OpaquePointer, handles: [StoreTable: MDB_dbi]) {
        self.pointer = pointer
        self.handles = handles
    }

    /// The value of a key, which stays until the next change of this transaction; nil when there is none.
    func get(_ table: StoreTable, _ key: [UInt8]) throws(LMDBFailure) -> UnsafeRawBufferPointer? {
        var value = MDB_val()
        let status = withKey(key) { key in mdb_get(pointer, handle(table), &key, &value) }
        if status == MDB_NOTFOUND { return nil }
        try LMDBFailure.check(status)
        return value.bytes
    }

    /// Puts a value in the place of whatever the key had.
    func put(_ table: StoreTable, _ key: [UInt8], _ bytes: [UInt8]) throws(LMDBFailure) {
        let status = bytes.withUnsafeBytes { bytes in
            var value = MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            return withKey(key) { key in mdb_put(pointer, handle(table), &key, &value, 0) }
        }
        try LMDBFailure.check(status)
    }

    /// Memory of the file for a key's value, to be filled before the next change of this transaction.
    func reserve(
        _ table: StoreTable, _ key: [UInt8], count: Int
    ) throws(LMDBFailure) -> UnsafeMutableRawBufferPointer {
        var value = MDB_val(mv_size: count, mv_data: nil)
        try LMDBFailure.check(
            withKey(key) { key in mdb_put(pointer, handle(table), &key, &value, UInt32(MDB_RESERVE)) })
        return UnsafeMutableRawBufferPointer(start: value.mv_data, count: value.mv_size)
    }

    /// Removes a key; it need not be there.
    func remove(_ table: StoreTable, _ key: [UInt8]) throws(LMDBFailure) {
        let status = withKey(key) { key in mdb_del(pointer, handle(table), &key, nil) }
        if status != MDB_NOTFOUND { try LMDBFailure.check(status) }
    }

    /// Every key that begins with `prefix`, in ascending order, and its value. The body must not change the table.
    func scan(
        _ table: StoreTable, prefix: [UInt8] = [],
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(LMDBFailure) -> Void
    ) throws(LMDBFailure) {
        var cursor: OpaquePointer?
        try LMDBFailure.check(mdb_cursor_open(pointer, handle(table), &cursor))
        defer { mdb_cursor_close(cursor) }
        var key = MDB_val(), value = MDB_val()
        // A cursor's position outlives the bytes of the key that was searched.
        var status =
            prefix.isEmpty
            ? mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
            : withKey(prefix) { start in
                key = start
                return mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
            }
        while status == MDB_SUCCESS {
            guard key.bytes.starts(with: prefix) else { return }
            try body(key.bytes, value.bytes)
            status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
        }
        if status != MDB_NOTFOUND { try LMDBFailure.check(status) }
    }

    /// Removes every key that begins with `prefix`.
    func removeAll(_ table: StoreTable, prefix: [UInt8]) throws(LMDBFailure) {
        if prefix.isEmpty { return try LMDBFailure.check(mdb_drop(pointer, handle(table), 0)) }
        var keys: [[UInt8]] = []
        try scan(table, prefix: prefix) { key, _ in keys.append(Array(key)) }
        for key in keys { try remove(table, key) }
    }

    /// Writes down which transaction this is, as the last thing before its commit.
    func noteCommit() throws(LMDBFailure) {
        let key = StoreTable.MetaKey.commit.bytes
        var record = ByteWriter()
        record.append(UInt64(mdb_txn_id(pointer)))
        try put(.meta, key, record.sealed(.meta, key))
    }

    /// Handle 0 is LMDB's own table of free pages, which it lets nobody change; but every table has a handle.
    private func handle(_ table: StoreTable) -> MDB_dbi { handles[table] ?? 0 }

    private func withKey(_ key: [UInt8], _ body: (inout MDB_val) -> Int32) -> Int32 {
        key.withUnsafeBytes { bytes in
            var value = MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            return body(&value)
        }
    }
}

extension MDB_val {
    fileprivate var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mv_data, count: mv_size) }
}
