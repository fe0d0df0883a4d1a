import Checkpoints
import Crypto
import Diagnostics
import Foundation
import Recipes

/// Refuses a file that is missing or, when a digest is known, another one.
///
/// - Parameter cache: where the digest is remembered, for as long as the file does not change; nil takes it each time.
/// - Throws: `RunError.fileMissing` or `.checksumMismatch`, or `FileError.unreadable` when reading fails on the way.
func checkFile(_ path: String, sha256: String?, key: String, remembering cache: CacheFolder? = nil) throws {
    guard let handle = FileHandle(forReadingAtPath: path) else { throw RunError.fileMissing(path: path, key: key) }
    defer { try? handle.close() }
    guard let sha256 else { return }
    let found: String
    if let cache {
        let file = URL(fileURLWithPath: path).path, descriptor = handle.fileDescriptor
        if let known = KnownDigest.find(file, descriptor: descriptor, in: cache) {
            found = known
        } else {
            let stamp = FileStamp(descriptor: descriptor)
            found = try digest(of: handle, path: path)
            KnownDigest.remember(found, of: file, stamp: stamp, descriptor: descriptor, in: cache)
        }
    } else {
        found = try digest(of: handle, path: path)
    }
    guard found == sha256.lowercased() else {
        throw RunError.checksumMismatch(path: path, expected: sha256, found: found)
    }
}

private func digest(of handle: FileHandle, path: String) throws(FileError) -> String {
    var hash = SHA256()
    do {
        while let piece = try handle.read(upToCount: 4 << 20), !piece.isEmpty { hash.update(data: piece) }
    } catch {
        throw FileError.unreadable(file: path, reason: systemReason(of: error))
    }
    return hash.finalize().map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}
