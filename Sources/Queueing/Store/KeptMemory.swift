import Glibc

/// Memory for payloads that are kept, one after another in slabs of large pages.
///
/// The system finds memory page by page. With pages of 2 MiB that takes a quarter of the time that it takes with those of
/// 4 KiB, which received frames have.
struct KeptMemory {
    /// As much is taken from the system at a time.
    static let slabBytes = 8 << 20
    /// A smaller payload has memory of the allocator: to give its pages back would leave too much of it.
    static let smallestBytes = 64 << 10

    /// Slabs that were taken beforehand.
    private var reserved: [MappedSlab]
    private var slab: MappedSlab?
    private var usedBytes = 0

    /// - Parameter reservedBytes: as much is taken from the system now, in whole slabs.
    init(reservedBytes: Int = 0) {
        let slabs = (max(0, reservedBytes) + Self.slabBytes - 1) / Self.slabBytes
        reserved = (0..<slabs).map { _ in
            let slab = MappedSlab(byteCount: Self.slabBytes)
            slab.touch()
            return slab
        }
    }

    /// Memory that is filled once, aligned to a cache line. It goes back to the system with the last reference to its
    /// owner, however long its neighbours stay.
    mutating func take(_ count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) -> HeldBytes {
        guard count >= Self.smallestBytes else {
            let owner = AlignedBytes(count: count, fill)
            return HeldBytes(owner: owner, bytes: owner.bytes)
        }
        let owner = part(count)
        fill(owner.memory)
        return HeldBytes(owner: owner, bytes: UnsafeRawBufferPointer(owner.memory))
    }

    private mutating func part(_ count: Int) -> SlabPart {
        if count > Self.slabBytes { return SlabPart(MappedSlab(byteCount: count), 0..<count) }
        let start = (usedBytes + 63) / 64 * 64
        if let slab, start + count <= slab.bytes.count {
            usedBytes = start + count
            return SlabPart(slab, start..<start + count)
        }
        let next = reserved.popLast() ?? MappedSlab(byteCount: Self.slabBytes)
        (slab, usedBytes) = (next, count)
        return SlabPart(next, 0..<count)
    }
}

/// Memory of the system that begins with a large page. Unchecked, because no two threads have the same part of it.
private final class MappedSlab: @unchecked Sendable {
    private static let largePageBytes = 2 << 20
    static let pageBytes = Int(getpagesize())

    let bytes: UnsafeMutableRawBufferPointer
    private let mapping: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        let size = byteCount + Self.largePageBytes
        let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start, start != MAP_FAILED else {
            preconditionFailure("the system has no memory left for \(size) bytes")
        }
        mapping = UnsafeMutableRawBufferPointer(start: start, count: size)
        let gap = -Int(bitPattern: start) & (Self.largePageBytes - 1)
        bytes = UnsafeMutableRawBufferPointer(rebasing: mapping[gap..<gap + byteCount])
        // A system without large pages refuses, and gives small ones.
        madvise(bytes.baseAddress, bytes.count, MADV_HUGEPAGE)
    }

    deinit { munmap(mapping.baseAddress, mapping.count) }

    /// Lets the system find all of the memory.
    func touch() {
        for offset in stride(from: 0, to: bytes.count, by: Self.pageBytes) { bytes[offset] = 0 }
    }

    /// Gives pages back. From now on the system must not make large pages here: it would fill the gap for them.
    func giveBack(_ pages: Range<Int>) {
        guard let start = bytes.baseAddress, !pages.isEmpty else { return }
        madvise(start, bytes.count, MADV_NOHUGEPAGE)
        madvise(start + pages.lowerBound, pages.count, MADV_DONTNEED)
    }
}

/// A payload's part of a slab. Unchecked, because nothing writes to it once it is filled.
private final class SlabPart: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer
    private let slab: MappedSlab
    private let pages: Range<Int>

    init(_ slab: MappedSlab, _ range: Range<Int>) {
        self.slab = slab
        memory = UnsafeMutableRawBufferPointer(rebasing: slab.bytes[range])
        let page = MappedSlab.pageBytes
        let first = (range.lowerBound + page - 1) / page * page
        pages = first..<max(first, range.upperBound / page * page)
    }

    deinit { slab.giveBack(pages) }
}
