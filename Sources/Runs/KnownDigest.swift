import Checkpoints
import Diagnostics
import Foundation
import Recipes

/// The SHA-256 of a large file as it was taken once, so that it is not read as a whole at every start.
///
/// It counts as long as the file is the same by its stamp. A bit that a disk flips later is not found by it.
struct KnownDigest: Codable {
    /// A change that follows another within the ticks of the system's clock has the same time.
    static let settledSeconds = 2.0
    private static let maximumBytes = 1 << 16

    private let path: String
    private let stamp: FileStamp
    private let sha256: String

    /// What is known of a file that is open.
    static func find(_ path: String, descriptor: Int32, in cache: CacheFolder) -> String? {
        guard let data = try? Data(contentsOf: place(path, cache)),
            let known = try? CheckedJSON.decode(KnownDigest.self, from: data, maximumBytes: maximumBytes),
            known.path == path, known.stamp == FileStamp(descriptor: descriptor)
        else { return nil }
        return known.sha256
    }

    /// Remembers the digest of a file that had the same stamp before its bytes were read and has it still. A cache folder
    /// that cannot be written to only costs the time to take it again.
    static func remember(
        _ sha256: String, of path: String, stamp: FileStamp?, descriptor: Int32,
        settledSeconds: Double = settledSeconds, in cache: CacheFolder
    ) {
        guard let stamp, stamp.secondsSinceChange > settledSeconds, stamp == FileStamp(descriptor: descriptor),
            let data = try? JSONEncoder().encode(KnownDigest(path: path, stamp: stamp, sha256: sha256))
        else { return }
        let place = place(path, cache)
        try? FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        _ = try? WholeFile.write([data], to: place)
    }

    private static func place(_ path: String, _ cache: CacheFolder) -> URL {
        let name = String(Array(path.utf8).withUnsafeBytes(XXH64.hash), radix: 16)
        return URL(fileURLWithPath: cache.path).appendingPathComponent("digests/\(name).json")
    }
}
