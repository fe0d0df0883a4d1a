/// One of a file's two states, as its description says.
struct StoreState {
    /// What page 0 begins with behind its header.
    static let magic: UInt32 = 0xBEEF_C0DE
    private static let version: UInt32 = 1
    /// Whole numbers of any machine's addresses end before.
    private static let mapLimit: UInt64 = 1 << 47
    /// LMDB's mark for a table whose keys are numbers.
    static let numberKeys: UInt16 = 8

    let transaction: UInt64
    let lastPage: UInt64
    /// Pages that may be used again, by the transaction that gave them up.
    let free: StoreTree
    /// Every table's tree by its name.
    let main: StoreTree

    var isEmpty: Bool { free.isEmpty && main.isEmpty && lastPage == 1 }

    /// - Returns: nil when it is not a description of a file with pages of this size.
    init?(_ page: StorePage, pageSize: Int) {
        func tree(_ offset: Int) -> StoreTree {
            StoreTree(UnsafeRawBufferPointer(rebasing: page.bytes[offset..<offset + StoreTree.byteCount]))
        }
        free = tree(40)
        main = tree(88)
        lastPage = page.load(136, as: UInt64.self)
        transaction = page.load(144, as: UInt64.self)
        let mapBytes = page.load(32, as: UInt64.self)
        guard page.load(16, as: UInt32.self) == Self.magic, page.load(20, as: UInt32.self) == Self.version,
            page.load(24, as: UInt64.self) == 0, mapBytes <= Self.mapLimit, mapBytes % UInt64(pageSize) == 0,
            lastPage >= 1, lastPage < mapBytes / UInt64(pageSize),
            free.padding == UInt32(pageSize), free.flags == Self.numberKeys, main.padding == 0, main.flags == 0
        else { return nil }
    }
}

/// A tree of a file, as its description says.
struct StoreTree {
    static let byteCount = 48
    private static let noPage = UInt64.max

    /// Of the tree of free pages, the size of a page.
    let padding: UInt32
    let flags: UInt16
    let depth: Int
    let branchPages: UInt64
    let leafPages: UInt64
    let overflowPages: UInt64
    let entries: UInt64
    let root: UInt64

    /// - Precondition: there are `byteCount` bytes.
    init(_ bytes: UnsafeRawBufferPointer) {
        func load<Number: FixedWidthInteger>(_ offset: Int, as type: Number.Type) -> Number {
            Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
        }
        padding = load(0, as: UInt32.self)
        flags = load(4, as: UInt16.self)
        depth = Int(load(6, as: UInt16.self))
        branchPages = load(8, as: UInt64.self)
        leafPages = load(16, as: UInt64.self)
        overflowPages = load(24, as: UInt64.self)
        entries = load(32, as: UInt64.self)
        root = load(40, as: UInt64.self)
    }

    var isEmpty: Bool { root == Self.noPage && depth == 0 && entries == 0 && pages == [0, 0, 0] }

    var pages: [UInt64] { [branchPages, leafPages, overflowPages] }
}
