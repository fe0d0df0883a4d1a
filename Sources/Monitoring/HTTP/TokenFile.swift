import Crypto
import Diagnostics
import Foundation

/// The secret that lets an operator change something over HTTP, in a file.
///
/// It is read whenever it is asked for, so that a file that was replaced holds at once.
public struct TokenFile: Sendable, Equatable {
    /// Fewer could be guessed.
    static let leastBytes = 16
    static let mostBytes = 1024

    /// Where it lies.
    public let path: String

    /// A token's file, which must be usable now.
    ///
    /// - Throws: `MonitoringError`.
    public init(_ path: String) throws(MonitoringError) {
        self.path = path
        _ = try token()
    }

    /// Whether a request's `Authorization` has the token. It takes as long for one wrong byte as for many.
    ///
    /// - Throws: `MonitoringError` when the file is no longer usable.
    func admits(_ authorization: String?) throws(MonitoringError) -> Bool {
        let token = try token(), scheme = "bearer "
        guard let authorization, authorization.lowercased().hasPrefix(scheme) else { return false }
        let given = authorization.dropFirst(scheme.count)
        // Digests have one length, and are compared in constant time.
        return SHA256.hash(data: Data(given.utf8)) == SHA256.hash(data: Data(token.utf8))
    }

    private func token() throws(MonitoringError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .tokenUnreadable(file: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .tokenUnreadable(file: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & 0o007 == 0 else { throw .openToken(file: path) }
        var bytes = [UInt8](repeating: 0, count: Self.mostBytes + 2)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .tokenUnreadable(file: path, reason: String(cString: strerror(errno))) }
        let token = String(decoding: bytes.prefix(count), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard (Self.leastBytes...Self.mostBytes).contains(token.utf8.count),
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw .weakToken(file: path) }
        return token
    }
}
