import Foundation
import Glibc

/// A disk of some megabytes that a test can fill, mounted on a folder: a file system in memory. Root alone can have one.
final class SmallDisk {
    private let folder: URL
    private var filler: URL { folder.appendingPathComponent("filler") }

    struct Failure: Error {
        let call: String
        let number: Int32
    }

    /// Whether there can be any here.
    static let isPossible = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("small-disk-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        return (try? SmallDisk(at: folder, bytes: 1 << 20)) != nil
    }()

    /// - Parameter isReadOnly: whether nothing can be written to it.
    /// - Throws: `Failure`, or what Foundation throws when the folder cannot be made.
    init(at folder: URL, bytes: Int, isReadOnly: Bool = false) throws {
        self.folder = folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let flags = isReadOnly ? UInt(MS_RDONLY) : 0
        guard mount("tmpfs", folder.path, "tmpfs", flags, "size=\(bytes)") == 0 else {
            throw Failure(call: "mount", number: errno)
        }
    }

    deinit { umount2(folder.path, Int32(MNT_DETACH)) }

    /// Takes all the room that is left.
    func fill() throws {
        let descriptor = open(filler.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard descriptor >= 0 else { throw Failure(call: "open", number: errno) }
        defer { close(descriptor) }
        for size in [1 << 20, 1 << 12, 1] {
            let zeros = [UInt8](repeating: 0, count: size)
            while write(descriptor, zeros, size) == size {}
        }
        guard errno == ENOSPC else { throw Failure(call: "write", number: errno) }
    }

    /// Gives it back.
    func clear() throws { try FileManager.default.removeItem(at: filler) }
}
