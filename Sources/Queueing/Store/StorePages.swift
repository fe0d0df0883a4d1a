/// The pages of a file of LMDB 0.9 on a 64-bit machine, as they lie there. Nothing is read outside the file.
struct StorePages {
    /// Kinds of pages.
    enum Flag {
        static let branch: UInt16 = 1
        static let leaf: UInt16 = 2
        static let overflow: UInt16 = 4
        static let meta: UInt16 = 8
    }

    static let headerBytes = 16

    let bytes: UnsafeRawBufferPointer
    let pageSize: Int

    /// - Throws: when the page is not wholly in the file or has another number.
    func page(_ number: UInt64) throws(StoreDamage) -> StorePage {
        let page = StorePage(number: number, bytes: try bytes(number, count: pageSize))
        guard page.load(0, as: UInt64.self) == number else {
            throw StoreDamage("page \(number) says that it is page \(page.load(0, as: UInt64.self))")
        }
        return page
    }

    /// Bytes from the beginning of a page on.
    func bytes(_ number: UInt64, count: Int) throws(StoreDamage) -> UnsafeRawBufferPointer {
        guard number < UInt64(bytes.count / pageSize), count <= bytes.count - Int(number) * pageSize else {
            throw StoreDamage("page \(number) is beyond the end of the file")
        }
        let start = Int(number) * pageSize
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
    }
}

/// One page.
struct StorePage {
    let number: UInt64
    let bytes: UnsafeRawBufferPointer

    var flags: UInt16 { load(10, as: UInt16.self) }
    /// Pages in a row, of an overflow page.
    var overflowCount: Int { Int(load(12, as: UInt32.self)) }

    func load<Number: FixedWidthInteger>(_ offset: Int, as type: Number.Type) -> Number {
        Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// The entries of a branch or leaf page, once they fill the page's upper part without a gap.
    ///
    /// - Throws: when an offset or size is not what LMDB would write.
    func nodes() throws(StoreDamage) -> [StoreNode] {
        let isLeaf = flags == StorePages.Flag.leaf
        let lower = Int(load(12, as: UInt16.self)), upper = Int(load(14, as: UInt16.self))
        guard lower >= StorePages.headerBytes, lower % 2 == 0, lower <= upper, upper <= bytes.count else {
            throw StoreDamage("page \(number) has its free room at \(lower)..<\(upper)")
        }
        var nodes: [StoreNode] = []
        for place in 0..<(lower - StorePages.headerBytes) / 2 {
            let offset = Int(load(StorePages.headerBytes + 2 * place, as: UInt16.self))
            guard offset >= upper, offset % 2 == 0, let node = StoreNode(self, offset: offset, isLeaf: isLeaf) else {
                throw StoreDamage("page \(number) has entry \(place) at byte \(offset)")
            }
            nodes.append(node)
        }
        var end = upper
        for node in nodes.sorted(by: { $0.offset < $1.offset }) {
            guard node.offset == end else { throw StoreDamage("page \(number) has entries that overlap") }
            end += node.size
        }
        guard end == bytes.count else { throw StoreDamage("page \(number) has a gap between entries") }
        return nodes
    }
}

/// An entry of a branch or leaf page.
struct StoreNode {
    enum Flag {
        static let overflow: UInt16 = 1
        static let table: UInt16 = 2
    }

    private static let headerBytes = 8

    let offset: Int
    /// Bytes that it takes in its page.
    let size: Int
    let flags: UInt16
    let key: UnsafeRawBufferPointer
    /// A leaf's bytes: the value itself, or the number of the page where it lies.
    let data: UnsafeRawBufferPointer
    /// Bytes of a leaf's value.
    let dataSize: Int
    /// The page below a branch.
    let child: UInt64

    /// - Returns: nil when it does not lie in the page.
    init?(_ page: StorePage, offset: Int, isLeaf: Bool) {
        guard offset + Self.headerBytes <= page.bytes.count else { return nil }
        let low = page.load(offset, as: UInt32.self)
        flags = page.load(offset + 4, as: UInt16.self)
        let keySize = Int(page.load(offset + 6, as: UInt16.self))
        dataSize = isLeaf ? Int(low) : 0
        child = isLeaf ? 0 : UInt64(low) | UInt64(flags) << 32
        let heldSize = isLeaf ? (flags & Flag.overflow != 0 ? 8 : dataSize) : 0
        let keyStart = offset + Self.headerBytes
        size = (Self.headerBytes + keySize + heldSize + 1) / 2 * 2
        guard offset + size <= page.bytes.count else { return nil }
        self.offset = offset
        key = UnsafeRawBufferPointer(rebasing: page.bytes[keyStart..<keyStart + keySize])
        data = UnsafeRawBufferPointer(rebasing: page.bytes[keyStart + keySize..<keyStart + keySize + heldSize])
    }
}
