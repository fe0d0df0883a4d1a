import Foundation

/// Walks a file of LMDB page by page before LMDB may touch it: LMDB believes its pages, and one flipped bit in a page
/// can make it read outside the file, end the process, or lose what was stored.
///
/// The file has two states, the newest and the one before, whose pages are all still there. Both are walked, because
/// a flipped bit can make either one the newest. Every page of a state is in use exactly once or free. What lies in
/// the values is checked by their own checksums.
struct StoreFileCheck {
    /// Both states' descriptions: a page each.
    private static let metaPages = 2

    private let file: StorePages

    /// - Throws: `StoreError.damaged` with the page and what is wrong with it, or `.unreadable`.
    static func check(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        let size = Int(status.st_size)
        // A process that ended while it made the file; nothing was promised yet, and LMDB begins anew.
        guard size > 0 else { return }
        let map = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let map, Int(bitPattern: map) != -1 else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { munmap(map, size) }
        try check(UnsafeRawBufferPointer(start: map, count: size), path: path, pageSize: sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Checks the bytes of a file.
    static func check(_ bytes: UnsafeRawBufferPointer, path: String, pageSize: Int) throws(StoreError) {
        do throws(StoreDamage) {
            try StoreFileCheck(file: StorePages(bytes: bytes, pageSize: pageSize)).check()
        } catch {
            throw .damaged(path: path, what: error.what)
        }
    }

    private func check() throws(StoreDamage) {
        let states = [try state(0), try state(1)]
        let transactions = states.map(\.transaction)
        if transactions == [0, 0] {
            guard states.allSatisfy(\.isEmpty) else { throw StoreDamage("a file without a transaction has content") }
            return
        }
        for (page, state) in states.enumerated() {
            guard state.transaction % 2 == UInt64(page), state.transaction != 0 || state.isEmpty else {
                throw StoreDamage("page \(page) describes transaction \(state.transaction)")
            }
        }
        let distance = Int64(bitPattern: transactions[0] &- transactions[1])
        guard abs(distance) == 1 else {
            throw StoreDamage("pages 0 and 1 describe transactions \(transactions[0]) and \(transactions[1])")
        }
        for state in states where state.transaction > 0 { try walk(state) }
    }

    private func state(_ number: UInt64) throws(StoreDamage) -> StoreState {
        let page = try file.page(number)
        guard page.flags == StorePages.Flag.meta, let state = StoreState(page, pageSize: file.pageSize) else {
            throw StoreDamage("page \(number) does not describe a state of this file")
        }
        return state
    }

    private func walk(_ state: StoreState) throws(StoreDamage) {
        var walk = StoreTreeWalk(file: file, lastPage: state.lastPage)
        let free = try walk.pages(of: state.free)
        let tables = try walk.tables(of: state.main)
        for (name, table) in tables {
            guard StoreTable(rawValue: name) != nil else { throw StoreDamage("a table named \(name)") }
            try walk.table(table, named: name)
        }
        guard walk.commit == state.transaction else {
            throw StoreDamage(
                "the state of transaction \(state.transaction) was written by \(walk.commit.map(String.init) ?? "none")"
            )
        }
        for page in free {
            guard page >= UInt64(Self.metaPages), page <= state.lastPage, walk.visit(page) else {
                throw StoreDamage("page \(page) is in use and free at the same time")
            }
        }
        guard UInt64(walk.visited.count + Self.metaPages) == state.lastPage + 1 else {
            throw StoreDamage("\(state.lastPage + 1) pages, of which \(walk.visited.count) can be found")
        }
    }
}

/// What is wrong with a file.
struct StoreDamage: Error {
    let what: String

    init(_ what: String) { self.what = what }
}
