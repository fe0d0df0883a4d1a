import Diagnostics
import Foundation

/// The file `ledger.head`: how many transactions were committed to the database.
///
/// SQLite takes a damaged log for one that was cut off, and silently goes back to an older state. This number, written
/// and synced after each commit, tells the difference. The file has two slots of a sector each that are written in
/// turn, so that one is whole whatever happens while the other is written. It is also the lock between processes that
/// write.
final class LedgerHead: Sendable {
    private static let slotBytes = 512
    private let path: String
    private let descriptor: Int32

    /// Opens the file.
    ///
    /// - Returns: nil when it is not there and is not to be made.
    /// - Throws: `LedgerError.unusable`.
    init?(path: String, writes: Bool) throws(LedgerError) {
        self.path = path
        descriptor = open(path, (writes ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0o666)
        guard descriptor < 0 else { return }
        guard errno == ENOENT else { throw Self.failure(path) }
        return nil
    }

    deinit { close(descriptor) }

    /// Runs a body while no other process writes the file or opens the ledger.
    ///
    /// - Throws: what the body throws, `LedgerError.unusable`.
    func locked<Result>(
        exclusively: Bool, _ body: () throws(LedgerError) -> Result
    ) throws(LedgerError) -> Result {
        while flock(descriptor, exclusively ? LOCK_EX : LOCK_SH) != 0 {
            guard errno == EINTR else { throw Self.failure(path) }
        }
        defer { flock(descriptor, LOCK_UN) }
        return try body()
    }

    /// The committed transactions, nil when no slot is whole.
    var commits: UInt64? { slots().compactMap { $0 }.max() }

    /// Writes down, and syncs, that nothing is committed yet.
    ///
    /// - Throws: `LedgerError.unusable`.
    func begin() throws(LedgerError) {
        for slot in 0..<2 { try write(0, slot: slot) }
        let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY)
        guard folder >= 0 else { throw Self.failure(path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw Self.failure(path) }
    }

    /// Writes down, and syncs, that so many transactions are committed. A smaller number than before changes nothing.
    ///
    /// - Throws: `LedgerError.unusable`.
    func raise(to commits: UInt64) throws(LedgerError) {
        try locked(exclusively: true) { () throws(LedgerError) in
            let slots = slots()
            guard slots.compactMap({ $0 }).allSatisfy({ $0 < commits }) else { return }
            try write(commits, slot: (slots[0] ?? 0) <= (slots[1] ?? 0) ? 0 : 1)
        }
    }

    private func slots() -> [UInt64?] {
        (0..<2).map { slot in
            var bytes = [UInt8](repeating: 0, count: Self.slotBytes)
            guard pread(descriptor, &bytes, bytes.count, off_t(slot * Self.slotBytes)) == bytes.count else {
                return nil
            }
            let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
            guard words.count > 1, let commits = UInt64(words[1]), Self.text(commits) == bytes else { return nil }
            return commits
        }
    }

    private func write(_ commits: UInt64, slot: Int) throws(LedgerError) {
        let bytes = Self.text(commits)
        guard pwrite(descriptor, bytes, bytes.count, off_t(slot * Self.slotBytes)) == bytes.count,
            fdatasync(descriptor) == 0
        else { throw Self.failure(path) }
    }

    private static func text(_ commits: UInt64) -> [UInt8] {
        let count = "commits \(commits) "
        let checksum = String(Array(count.utf8).withUnsafeBytes { XXH64.hash($0) }, radix: 16)
        let text = Array((count + "xxh64 " + checksum + " ").utf8)
        return text + [UInt8](repeating: UInt8(ascii: " "), count: slotBytes - text.count - 1) + [UInt8(ascii: "\n")]
    }

    private static func failure(_ path: String) -> LedgerError {
        .unusable(file: path, reason: String(cString: strerror(errno)))
    }
}
