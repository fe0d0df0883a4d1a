import Foundation

/// `metrics.jsonl`: one JSON object per line, in the order in which things happened.
final class MetricsLog {
    private let handle: FileHandle
    private let path: String

    /// - Parameter upToStep: lines of later steps, which a resumed run takes again, are dropped.
    /// - Throws: `RunError.folderUnwritable`.
    init(folder: RunFolder, upToStep lastStep: Int) throws(RunError) {
        path = "\(folder.path)/metrics.jsonl"
        let url = URL(fileURLWithPath: path)
        let earlier = ((try? String(contentsOf: url, encoding: .utf8)) ?? "").split(separator: "\n").filter { line in
            let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8))
            return entry.map { ($0.step ?? 0) <= lastStep } ?? false
        }
        do {
            try Data(earlier.map { $0 + "\n" }.joined().utf8).write(to: url, options: .atomic)
            handle = try FileHandle(forWritingTo: url)
            try handle.seekToEnd()
        } catch {
            throw RunError(unwritable: path, error)
        }
    }

    /// What tells a line of a step from others.
    private struct Entry: Decodable {
        let step: Int?
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
