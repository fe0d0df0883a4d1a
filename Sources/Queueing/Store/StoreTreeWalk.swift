import Foundation

/// Follows the trees of one state to every page, and counts.
struct StoreTreeWalk {
    /// No tree of a file that fits into addresses is deeper.
    private static let depthLimit = 32

    /// What a tree's leaves hold.
    fileprivate enum Kind {
        case free
        case tables
        case values(String)
    }

    /// Where a page stands in its tree.
    private struct Place {
        let page: UInt64
        /// Levels from here to the leaves, these included.
        let depth: Int
        /// Keys below are at least this and less than that; nil for any.
        let lower: UnsafeRawBufferPointer?
        let upper: UnsafeRawBufferPointer?
    }

    /// What was counted in a tree.
    private struct Count {
        var pages: [UInt64] = [0, 0, 0]
        var entries: UInt64 = 0
    }

    let file: StorePages
    let lastPage: UInt64
    /// Pages in use.
    private(set) var visited: Set<UInt64> = []
    /// The transaction that the table `meta` says wrote this state.
    private(set) var commit: UInt64?
    private var freePages: [UInt64] = []
    private var tableTrees: [(String, StoreTree)] = []
    private var count = Count()

    init(file: StorePages, lastPage: UInt64) {
        self.file = file
        self.lastPage = lastPage
    }

    /// Notes that a page is in use.
    ///
    /// - Returns: whether it was not noted before.
    mutating func visit(_ page: UInt64) -> Bool { visited.insert(page).inserted }

    /// The pages that a tree of free pages names.
    mutating func pages(of tree: StoreTree) throws(StoreDamage) -> [UInt64] {
        try walk(tree, .free, "the free pages")
        return freePages
    }

    /// The trees of the tables.
    mutating func tables(of tree: StoreTree) throws(StoreDamage) -> [(String, StoreTree)] {
        try walk(tree, .tables, "the tables")
        return tableTrees
    }

    /// Follows a table's tree.
    mutating func table(_ tree: StoreTree, named name: String) throws(StoreDamage) {
        guard tree.padding == 0, tree.flags == 0 else { throw StoreDamage("table \(name) is of an unknown kind") }
        try walk(tree, .values(name), "table \(name)")
    }

    private mutating func walk(_ tree: StoreTree, _ kind: Kind, _ name: String) throws(StoreDamage) {
        if tree.isEmpty { return }
        guard (1...Self.depthLimit).contains(tree.depth) else {
            throw StoreDamage("\(name) has a tree of \(tree.depth) levels")
        }
        count = Count()
        try walk(Place(page: tree.root, depth: tree.depth, lower: nil, upper: nil), kind)
        guard count.pages == tree.pages, count.entries == tree.entries else {
            throw StoreDamage("\(name) has \(count.entries) of \(tree.entries) entries, or pages too few or many")
        }
    }

    private mutating func walk(_ place: Place, _ kind: Kind) throws(StoreDamage) {
        try use(place.page)
        let page = try file.page(place.page)
        let isLeaf = place.depth == 1
        guard page.flags == (isLeaf ? StorePages.Flag.leaf : StorePages.Flag.branch) else {
            throw StoreDamage("page \(page.number) is not of the kind that belongs here")
        }
        let nodes = try page.nodes()
        try checkOrder(nodes, of: page, at: place, kind)
        if isLeaf {
            count.pages[1] += 1
            count.entries += UInt64(nodes.count)
            for node in nodes { try take(node, of: page, kind) }
            return
        }
        count.pages[0] += 1
        for (i, node) in nodes.enumerated() {
            try walk(
                Place(
                    page: node.child, depth: place.depth - 1, lower: i == 0 ? place.lower : node.key,
                    upper: i + 1 < nodes.count ? nodes[i + 1].key : place.upper), kind)
        }
    }

    private mutating func use(_ page: UInt64) throws(StoreDamage) {
        guard page >= 2, page <= lastPage else { throw StoreDamage("page \(page) is not one of \(lastPage + 1)") }
        guard visit(page) else { throw StoreDamage("page \(page) is in two places") }
    }

    /// A leaf has entries, a branch at least two. The first of a branch stands for all keys below the second: its own
    /// key is nothing.
    private func checkOrder(
        _ nodes: [StoreNode], of page: StorePage, at place: Place, _ kind: Kind
    ) throws(StoreDamage) {
        let isLeaf = place.depth == 1
        guard nodes.count >= (isLeaf ? 1 : 2) else { throw StoreDamage("page \(page.number) lacks entries") }
        var last = place.lower
        for (i, node) in nodes.enumerated() where isLeaf || i > 0 {
            guard !kind.hasNumbers || node.key.count == 8 else {
                throw StoreDamage("page \(page.number) has a key of \(node.key.count) bytes")
            }
            let step = last.map { kind.compare($0, node.key) } ?? -1
            // The first key of a leaf may be the one that leads to it.
            guard step < 0 || (step == 0 && isLeaf && i == 0),
                place.upper.map({ kind.compare(node.key, $0) < 0 }) ?? true
            else { throw StoreDamage("page \(page.number) has keys out of order") }
            last = node.key
        }
    }

    /// Follows what an entry of a leaf points to.
    private mutating func take(_ node: StoreNode, of page: StorePage, _ kind: Kind) throws(StoreDamage) {
        switch kind {
        case .tables:
            guard node.flags == StoreNode.Flag.table, node.dataSize == StoreTree.byteCount else {
                throw StoreDamage("page \(page.number) has an entry that is no table")
            }
            tableTrees.append((String(decoding: node.key, as: UTF8.self), StoreTree(node.data)))
        case .free:
            let value = try value(of: node, on: page)
            let words = value.count / 8
            func word(_ index: Int) -> UInt64 {
                UInt64(littleEndian: value.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
            }
            guard value.count % 8 == 0, words > 0, word(0) < UInt64(words) else {
                throw StoreDamage("page \(page.number) has a list of free pages that is longer than its bytes")
            }
            let pages = (0..<Int(word(0))).map { word($0 + 1) }
            // LMDB takes them from the end, and trusts that they descend.
            guard zip(pages, pages.dropFirst()).allSatisfy({ $0 > $1 }) else {
                throw StoreDamage("page \(page.number) has a list of free pages out of order")
            }
            freePages += pages
        case .values(let table):
            let value = try value(of: node, on: page)
            let commitKey = StoreTable.MetaKey.commit.bytes
            if table == StoreTable.meta.rawValue, node.key.elementsEqual(commitKey) {
                var reader = ByteReader(value, in: .meta, key: node.key)
                commit = reader?.number(UInt64.self)
            }
        }
    }

    /// A leaf entry's bytes, in their page or in pages of their own.
    private mutating func value(of node: StoreNode, on page: StorePage) throws(StoreDamage) -> UnsafeRawBufferPointer {
        guard node.flags == StoreNode.Flag.overflow else {
            guard node.flags == 0 else { throw StoreDamage("page \(page.number) has an entry of an unknown kind") }
            return node.data
        }
        let first = UInt64(littleEndian: node.data.loadUnaligned(as: UInt64.self))
        guard first >= 2, first <= lastPage else { throw StoreDamage("page \(first) is not one of \(lastPage + 1)") }
        let head = try file.page(first)
        let needed = (StorePages.headerBytes - 1 + node.dataSize) / file.pageSize + 1
        guard head.flags == StorePages.Flag.overflow, head.overflowCount >= needed,
            head.overflowCount <= Int(lastPage - first) + 1
        else { throw StoreDamage("page \(first) does not begin a value of \(node.dataSize) bytes") }
        for page in first..<first + UInt64(head.overflowCount) { try use(page) }
        count.pages[2] += UInt64(head.overflowCount)
        let bytes = try file.bytes(first, count: StorePages.headerBytes + node.dataSize)
        return UnsafeRawBufferPointer(rebasing: bytes[StorePages.headerBytes...])
    }
}

extension StoreTreeWalk.Kind {
    /// Whether keys are numbers of the machine, not bytes.
    fileprivate var hasNumbers: Bool { if case .free = self { true } else { false } }

    /// Below, at or above zero, as LMDB orders keys. Numbers have 8 bytes.
    fileprivate func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        if hasNumbers {
            let x = a.loadUnaligned(as: UInt64.self), y = b.loadUnaligned(as: UInt64.self)
            return x < y ? -1 : x > y ? 1 : 0
        }
        let count = min(a.count, b.count)
        if count > 0, let start = a.baseAddress, let other = b.baseAddress {
            let order = Int(memcmp(start, other, count))
            if order != 0 { return order }
        }
        return a.count - b.count
    }
}
