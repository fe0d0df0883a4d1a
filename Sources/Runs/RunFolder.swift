import Checkpoints
import Foundation

/// The folder of one run: resolved recipe, metrics line by line, checkpoints, summary, and what was trained.
public final class RunFolder: Sendable {
    /// The folder's path.
    public let path: String
    /// The run's id, the folder's name.
    public let id: String
    /// Held open: two processes that train in one folder would spoil it.
    private let lock: Int32

    /// Makes a folder that did not exist before.
    ///
    /// - Parameters:
    ///   - parent: the folder of all runs, made if need be.
    ///   - name: the recipe's name, which begins the id.
    /// - Throws: `RunError.folderUnwritable`.
    public init(parent: String, name: String, now: Date = Date()) throws(RunError) {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = .gmt
        formatter.dateFormat = "yyyyMMdd-HHmmss"
        let stamp = formatter.string(from: now)
        do {
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        } catch {
            throw RunError(unwritable: parent, error)
        }
        id = try Self.makeFolder("\(name)-\(stamp)", in: parent)
        path = "\(parent)/\(id)"
        lock = try Self.lock(path)
    }

    /// Opens the folder of a run that is to go on.
    ///
    /// - Throws: `RunError.runInUse` while another process trains there, `.folderUnwritable`.
    public init(existing path: String) throws(RunError) {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        self.path = url.path
        id = url.lastPathComponent
        lock = try Self.lock(url.path)
    }

    /// Opens the folder of a run whose id is given, made if need be.
    ///
    /// - Parameter parent: the folder of all runs, made if need be.
    /// - Throws: `RunError.runInUse` while another process trains there, `.folderUnwritable`.
    convenience init(run: String, in parent: String) throws(RunError) {
        let path = "\(parent)/\(run)"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw RunError(unwritable: path, error)
        }
        try self.init(existing: path)
    }

    deinit { close(lock) }

    /// Makes the first of `stem`, `stem-2`, `stem-3`, … that is not there yet, and gives its name.
    private static func makeFolder(_ stem: String, in parent: String) throws(RunError) -> String {
        var name = stem
        var number = 1
        // Runs that begin in the same second each get a folder: of all that make one, the system lets one succeed.
        while mkdir("\(parent)/\(name)", 0o777) != 0 {
            guard errno == EEXIST else {
                throw .folderUnwritable(path: "\(parent)/\(name)", reason: String(cString: strerror(errno)))
            }
            number += 1
            name = "\(stem)-\(number)"
        }
        return name
    }

    /// A lock on the folder that ends with the process, however it ends.
    private static func lock(_ path: String) throws(RunError) -> Int32 {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .folderUnwritable(path: path, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .runInUse(path: path)
        }
        return descriptor
    }

    /// Where what was trained goes: an adapter in PEFT's format, or the weights of full fine-tuning.
    public var adapterPath: String { "\(path)/adapter" }

    /// Where the run's checkpoints are.
    var checkpoints: URL { URL(fileURLWithPath: "\(path)/checkpoints") }

    /// How the run ended the last time, nil when it never came so far.
    var summary: RunSummary? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return (try? Data(contentsOf: URL(fileURLWithPath: "\(path)/summary.json")))
            .flatMap { try? decoder.decode(RunSummary.self, from: $0) }
    }

    /// Writes a file that is whole or not there.
    ///
    /// - Throws: `FileError.unwritable`.
    func write(_ text: String, to name: String) throws(FileError) {
        _ = try WholeFile.write([Data(text.utf8)], to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    /// Writes a value as indented JSON with snake-case keys.
    ///
    /// - Throws: `FileError.unwritable`.
    func write(json value: some Encodable, to name: String) throws(FileError) {
        try write(jsonText(value, indented: true) + "\n", to: name)
    }
}
