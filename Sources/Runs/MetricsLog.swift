import Foundation

/// `metrics.jsonl`: one JSON object per line, in the order in which things happened.
final class MetricsLog {
    private let handle: FileHandle
    private let path: String

    /// - Throws: `RunError.folderUnwritable`.
    init(folder: RunFolder) throws(RunError) {
        path = "\(folder.path)/metrics.jsonl"
        do {
            try Data().write(to: URL(fileURLWithPath: path))
            handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        } catch {
            throw RunError(unwritable: path, error)
        }
    }

    deinit { try? handle.close() }

    /// Appends one line.
    ///
    /// - Throws: `RunError.folderUnwritable`, as on a full disk.
    func append(_ value: some Encodable) throws(RunError) {
        do {
            try handle.write(contentsOf: Data((jsonText(value) + "\n").utf8))
        } catch {
            throw RunError(unwritable: path, error)
        }
    }
}
