import CLMDB
import Foundation
import Synchronization

/// A call of LMDB that failed.
struct LMDBFailure: Error {
    let code: Int32

    /// Whether the file, its disk or its quota has no room: nothing of the transaction stays, and another may succeed.
    var isFull: Bool { [MDB_MAP_FULL, MDB_TXN_FULL, ENOSPC, EDQUOT].contains(code) }

    /// Whether LMDB came upon what it would never write.
    var isDamage: Bool {
        [MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_INCOMPATIBLE].contains(code)
    }

    var reason: String { String(cString: mdb_strerror(code)) }

    static func check(_ code: Int32) throws(LMDBFailure) {
        guard code == MDB_SUCCESS else { throw LMDBFailure(code: code) }
    }
}

/// An open LMDB environment: one file, mapped read-only, written with `pwrite` and synced in every commit.
///
/// Not `MDB_WRITEMAP`: a write into the map of a sparse file ends the process with SIGBUS when the disk is full, and a
/// stray pointer could change what was acknowledged.
///
/// Unchecked, because LMDB itself lets any thread read while one writes; `NOTLS` binds reading to the transaction
/// instead of the thread. Writers take turns in LMDB.
final class LMDBEnvironment: @unchecked Sendable {
    private let environment: OpaquePointer
    private let handles: [StoreTable: MDB_dbi]
    /// Reading transactions that nobody uses: to renew one is cheaper than to begin one.
    private let idleReaders = Mutex<[LMDBTransaction]>([])
    /// Threads that may read at the same time, in all processes.
    private static let readerLimit: UInt32 = 510

    /// Bytes that were read or written since the map was last given back.
    private let touchedBytes = Atomic(0)
    /// As many are touched before that.
    private static let touchedLimit = 2 << 20

    private init(_ environment: OpaquePointer, _ handles: [StoreTable: MDB_dbi]) {
        self.environment = environment
        self.handles = handles
    }

    /// Frees what `open` made. Nobody reads or writes any more.
    deinit {
        for reader in idleReaders.withLock({ $0 }) { mdb_txn_abort(reader.pointer) }
        mdb_env_close(environment)
    }

    /// Opens a folder's file, or makes it.
    ///
    /// - Parameter mapBytes: the most that the file can grow to; nil for what it was made with.
    static func open(_ folder: String, mapBytes: Int?, isReadOnly: Bool) throws(LMDBFailure) -> LMDBEnvironment {
        var created: OpaquePointer?
        try LMDBFailure.check(mdb_env_create(&created))
        guard let created else { throw LMDBFailure(code: ENOMEM) }
        do throws(LMDBFailure) {
            if let mapBytes { try LMDBFailure.check(mdb_env_set_mapsize(created, mapBytes)) }
            try LMDBFailure.check(mdb_env_set_maxdbs(created, MDB_dbi(StoreTable.allCases.count)))
            try LMDBFailure.check(mdb_env_set_maxreaders(created, readerLimit))
            let flags = MDB_NOTLS | (isReadOnly ? MDB_RDONLY : 0)
            try LMDBFailure.check(mdb_env_open(created, folder, UInt32(flags), 0o600))
            // Slots of readers that were killed would keep old pages from being used again.
            mdb_reader_check(created, nil)
            return LMDBEnvironment(created, try tables(of: created, isReadOnly: isReadOnly))
        } catch {
            mdb_env_close(created)
            throw error
        }
    }

    /// Makes changes, all or none. When it returns they are on the disk.
    func write<Result>(
        _ body: (LMDBTransaction) throws(LMDBFailure) -> Result
    ) throws(LMDBFailure) -> Result {
        try Self.commit(environment, 0) { pointer throws(LMDBFailure) in
            let transaction = LMDBTransaction(pointer: pointer, handles: handles)
            let result = try body(transaction)
            try transaction.noteCommit()
            return result
        }
    }

    /// Looks at one state of the file, whatever is written meanwhile. What it lends is gone afterwards.
    func read<Result>(
        _ body: (LMDBTransaction) throws(LMDBFailure) -> Result
    ) throws(LMDBFailure) -> Result {
        let reader: LMDBTransaction
        if let idle = idleReaders.withLock({ $0.popLast() }) {
            let status = mdb_txn_renew(idle.pointer)
            guard status == MDB_SUCCESS else {
                mdb_txn_abort(idle.pointer)
                throw LMDBFailure(code: status)
            }
            reader = idle
        } else {
            reader = LMDBTransaction(
                pointer: try Self.begin(environment, flags: UInt32(MDB_RDONLY)), handles: handles)
        }
        defer {
            mdb_txn_reset(reader.pointer)
            idleReaders.withLock { $0.append(reader) }
        }
        return try body(reader)
    }

    /// Counts bytes that were read or written, and now and then gives the map's memory back: a page that was looked at
    /// stays resident with its neighbours, until the process is as large as its store. They stay in the page cache.
    func touched(_ bytes: Int) {
        guard touchedBytes.add(bytes, ordering: .relaxed).newValue >= Self.touchedLimit else { return }
        touchedBytes.store(0, ordering: .relaxed)
        guard let map = try? map() else { return }
        madvise(UnsafeMutableRawPointer(mutating: map.baseAddress), map.count, MADV_DONTNEED)
    }

    /// The used part of the map, which LMDB tells nobody: it is found from a value in it, whose page begins with the
    /// page's number.
    private func map() throws(LMDBFailure) -> UnsafeRawBufferPointer? {
        var info = MDB_envinfo(), stat = MDB_stat()
        try LMDBFailure.check(mdb_env_info(environment, &info))
        try LMDBFailure.check(mdb_env_stat(environment, &stat))
        let pageSize = Int(stat.ms_psize), pages = info.me_last_pgno + 1
        return try read { transaction throws(LMDBFailure) in
            let commit = try transaction.get(.meta, StoreTable.MetaKey.commit.bytes)
            guard let value = commit?.baseAddress else { return nil }
            let page = value - Int(bitPattern: value) % pageSize
            let number = page.load(as: UInt64.self)
            guard number < pages else { return nil }
            let start = page - Int(number) * pageSize
            guard start.load(fromByteOffset: StorePages.headerBytes, as: UInt32.self) == StoreState.magic else {
                return nil
            }
            return UnsafeRawBufferPointer(start: start, count: pages * pageSize)
        }
    }

    /// The first writer makes the tables; afterwards opening them writes nothing.
    private static func tables(of environment: OpaquePointer, isReadOnly: Bool) throws(LMDBFailure) -> [StoreTable:
        MDB_dbi]
    {
        do throws(LMDBFailure) {
            return try commit(environment, UInt32(MDB_RDONLY)) { pointer throws(LMDBFailure) in
                try tables(in: pointer, flags: 0)
            }
        } catch {
            guard error.code == MDB_NOTFOUND, !isReadOnly else { throw error }
            return try commit(environment, 0) { pointer throws(LMDBFailure) in
                let handles = try tables(in: pointer, flags: UInt32(MDB_CREATE))
                try LMDBTransaction(pointer: pointer, handles: handles).noteCommit()
                return handles
            }
        }
    }

    private static func tables(in pointer: OpaquePointer, flags: UInt32) throws(LMDBFailure) -> [StoreTable: MDB_dbi] {
        var handles: [StoreTable: MDB_dbi] = [:]
        for table in StoreTable.allCases {
            var handle: MDB_dbi = 0
            try LMDBFailure.check(mdb_dbi_open(pointer, table.rawValue, flags, &handle))
            handles[table] = handle
        }
        return handles
    }

    private static func commit<Result>(
        _ environment: OpaquePointer, _ flags: UInt32, _ body: (OpaquePointer) throws(LMDBFailure) -> Result
    ) throws(LMDBFailure) -> Result {
        let pointer = try begin(environment, flags: flags)
        let result: Result
        do throws(LMDBFailure) {
            result = try body(pointer)
        } catch {
            mdb_txn_abort(pointer)
            throw error
        }
        // It frees the transaction, also when it fails.
        try LMDBFailure.check(mdb_txn_commit(pointer))
        return result
    }

    private static func begin(_ environment: OpaquePointer, flags: UInt32) throws(LMDBFailure) -> OpaquePointer {
        var pointer: OpaquePointer?
        try LMDBFailure.check(mdb_txn_begin(environment, nil, flags, &pointer))
        guard let pointer else { throw LMDBFailure(code: ENOMEM) }
        return pointer
    }
}

extension StoreError {
    /// What a failed call of LMDB means for a store.
    init(_ failure: LMDBFailure, path: String, neededBytes: Int) {
        if failure.isFull {
            self = .diskFull(path: path, neededBytes: neededBytes, reason: failure.reason)
        } else if failure.isDamage {
            self = .damaged(path: path, what: failure.reason)
        } else {
            self = .unreadable(path: path, reason: failure.reason)
        }
    }
}
