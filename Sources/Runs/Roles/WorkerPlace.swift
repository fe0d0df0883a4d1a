import Checkpoints
import Diagnostics
import Foundation

/// The id of one of several alike workers that share a folder, as the containers of one service do: each takes the first
/// id that no other one holds, and with it the state and the key of whoever had it before.
public struct WorkerPlace: Sendable, Equatable {
    /// The worker's id.
    public let id: String

    /// The place of a worker that shares its folder with nobody.
    public init(id: String) { self.id = id }

    /// The ids that a name stands for: `worker-1..4` for worker-1 to worker-4, and any other name for itself.
    ///
    /// - Throws: `WorkerPlaceError.malformed`.
    public static func ids(_ name: String) throws(WorkerPlaceError) -> [String] {
        guard let dots = name.range(of: "..") else { return [name] }
        let prefix = name[..<dots.lowerBound].reversed().drop { $0.isASCII && $0.isNumber }.reversed()
        let stem = String(prefix)
        guard !stem.isEmpty, let first = Int(name[..<dots.lowerBound].dropFirst(stem.count)),
            let last = Int(name[dots.upperBound...]), first <= last, last - first < 1000
        else { throw .malformed(name) }
        return (first...last).map { "\(stem)\($0)" }
    }

    /// Takes the first free place, and keeps it until the process ends.
    ///
    /// - Parameter folder: where the places' locks lie; made if need be.
    /// - Throws: `WorkerPlaceError.allTaken`, `FileError.unwritable`.
    public static func take(_ ids: [String], in folder: String) throws -> WorkerPlace {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw FileError.unwritable(file: folder, reason: systemReason(of: error))
        }
        for id in ids {
            // Held for as long as the process lives, however it ends; then the place is free again.
            let path = "\(folder)/\(id).lock"
            let lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            guard lock >= 0 else { throw FileError.unwritable(file: path, reason: String(cString: strerror(errno))) }
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return WorkerPlace(id: id) }
            let reason = errno
            close(lock)
            guard reason == EWOULDBLOCK else {
                throw FileError.unwritable(file: path, reason: String(cString: strerror(reason)))
            }
        }
        throw WorkerPlaceError.allTaken(ids, folder: folder)
    }

    /// A text with `{id}` for the worker's id and `{host}` for this machine's name.
    public func fill(_ text: String) -> String {
        text.replacingOccurrences(of: "{id}", with: id)
            .replacingOccurrences(of: "{host}", with: Self.hostName)
    }

    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
