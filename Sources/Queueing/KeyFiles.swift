import Diagnostics
import Foundation

/// Where a key pair lies: `NAME.key` with both halves, for its owner alone, and `NAME.pub` for everybody.
public struct KeyFiles: Sendable, Equatable {
    /// The file with both halves.
    public let secretPath: String
    /// The file with the public half.
    public let publicPath: String

    private static let publicField = "public-key"
    private static let secretField = "secret-key"
    private static let maximumBytes = 4096

    /// The files of a name in a folder.
    ///
    /// - Throws: `KeyError.invalidName`.
    public init(name: String, folder: String) throws(KeyError) {
        guard name.isPlainName(longest: 200) else { throw .invalidName(name) }
        let path = URL(fileURLWithPath: folder).appendingPathComponent(name).path
        secretPath = path + ".key"
        publicPath = path + ".pub"
    }

    /// Writes both files, each as a whole or not at all; the folder is made when it is not there.
    ///
    /// - Parameter replacing: whether files that are there may be replaced.
    /// - Throws: `KeyError.exists` or `.unwritable`; what was there is then still there.
    public func write(_ pair: CurveKeyPair, replacing: Bool) throws(KeyError) {
        if !replacing {
            for path in [secretPath, publicPath] where access(path, F_OK) == 0 { throw .exists(path: path) }
        }
        let folder = (secretPath as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .unwritable(path: secretPath, reason: systemReason(of: error))
        }
        let publicLine = "\(Self.publicField) = \(pair.publicKey.z85)\n"
        try Self.write(
            "# Keep this file to yourself; the .pub file beside it is for others.\n\(publicLine)"
                + "\(Self.secretField) = \(pair.secretZ85)\n",
            to: secretPath, mode: 0o600, replacing: replacing)
        try Self.write(publicLine, to: publicPath, mode: 0o644, replacing: replacing)
    }

    /// Both halves from a file that only its owner may read.
    ///
    /// - Throws: `KeyError`.
    public static func pair(at path: String) throws(KeyError) -> CurveKeyPair {
        let fields = try fields(at: path)
        guard let secret = fields[secretField] else {
            throw .malformed(place: path, reason: "it has no secret key, so that it is nobody's own")
        }
        let pair: CurveKeyPair
        do throws(KeyError) {
            pair = try CurveKeyPair(secretZ85: secret)
        } catch {
            throw .malformed(place: path, reason: "its secret key cannot be read")
        }
        guard fields[publicField] == pair.publicKey.z85 else {
            throw .malformed(place: path, reason: "its two keys do not belong together")
        }
        return pair
    }

    /// The public half from a file of either kind.
    ///
    /// - Throws: `KeyError`.
    public static func publicKey(at path: String) throws(KeyError) -> CurvePublicKey {
        guard let text = try fields(at: path)[publicField] else {
            throw .malformed(place: path, reason: "it has no public key")
        }
        do throws(KeyError) {
            return try CurvePublicKey(z85: text)
        } catch {
            throw .malformed(place: path, reason: "its public key cannot be read")
        }
    }

    /// The lines `field = value`. A file with a secret is refused when others may read or write it.
    private static func fields(at path: String) throws(KeyError) -> [String: String] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: lastReason()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, reason: lastReason()) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= maximumBytes else {
            throw .malformed(place: path, reason: "it is not a file of at most \(maximumBytes) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: maximumBytes)
        defer { explicit_bzero(&bytes, bytes.count) }
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .unreadable(path: path, reason: lastReason()) }
        guard let text = String(validating: bytes.prefix(count), as: UTF8.self) else {
            throw .malformed(place: path, reason: "it is not text")
        }
        var fields: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", omittingEmptySubsequences: true)
            guard parts.count == 3, parts[1] == "=" else {
                throw .malformed(place: path, reason: "a line is not FIELD = VALUE")
            }
            fields[String(parts[0])] = String(parts[2])
        }
        guard fields[secretField] == nil || status.st_mode & 0o077 == 0 else { throw .readableByOthers(path: path) }
        return fields
    }

    private static func write(
        _ text: String, to path: String, mode: mode_t, replacing: Bool
    ) throws(KeyError) {
        let aside = "\(path).\(UUID().uuidString).partial"
        let descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: lastReason()) }
        defer { unlink(aside) }
        let bytes = Array(text.utf8)
        let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        guard close(descriptor) == 0, isWritten else { throw .unwritable(path: path, reason: lastReason()) }
        // A link, unlike a rename, fails when somebody was faster.
        guard (replacing ? rename(aside, path) : link(aside, path)) == 0 else {
            throw errno == EEXIST ? .exists(path: path) : .unwritable(path: path, reason: lastReason())
        }
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    private static func lastReason() -> String { String(cString: strerror(errno)) }
}
