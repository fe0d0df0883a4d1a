import Foundation

/// What the system says of a file, which is another after every change of its bytes: nobody can set the time of its last
/// change, not even who sets back that of its last modification.
struct FileStamp: Codable, Equatable {
    let device: UInt64
    let inode: UInt64
    let bytes: Int64
    let modifiedNanoseconds: Int64
    let changedNanoseconds: Int64

    /// Of an open file; nil when the system does not tell.
    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        bytes = Int64(status.st_size)
        modifiedNanoseconds = Self.nanoseconds(status.st_mtim)
        changedNanoseconds = Self.nanoseconds(status.st_ctim)
    }

    /// Seconds since the last change by the system's clock, which may have been set since.
    var secondsSinceChange: Double {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Double(Self.nanoseconds(now) - changedNanoseconds) / 1e9
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
