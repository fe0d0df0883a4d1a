import Diagnostics
import Foundation

/// A folder beside others that holds the checkpoint of one step, whole or not.
struct CheckpointFolder {
    let step: Int
    /// Whether it made room for a newer one of the same step, which was perhaps never finished.
    let isReplaced: Bool
    let url: URL

    private static let prefix = "step-"
    private static let replacedSuffix = ".replaced"
    private static let partialSuffix = ".partial"

    init(step: Int, isReplaced: Bool = false, in parent: URL) {
        self.step = step
        self.isReplaced = isReplaced
        let name = Self.name(step) + (isReplaced ? Self.replacedSuffix : "")
        url = parent.appendingPathComponent(name, isDirectory: true)
    }

    /// Eight digits, so that a listing is in order.
    static func name(_ step: Int) -> String {
        let digits = String(step)
        return prefix + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    /// A name beside the checkpoints that no reader looks at.
    static func aside(step: Int, in parent: URL) -> URL {
        parent.appendingPathComponent(".\(name(step)).\(UUID().uuidString)\(partialSuffix)", isDirectory: true)
    }

    /// The checkpoints of a folder, the newest first, and what unfinished writers left behind. None when there is no
    /// such folder.
    ///
    /// - Throws: `CheckpointError.unreadable`.
    static func list(
        in parent: URL
    ) throws(CheckpointError) -> (checkpoints: [CheckpointFolder], partial: [URL]) {
        guard FileManager.default.fileExists(atPath: parent.path) else { return ([], []) }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: parent.path)
        } catch {
            throw .unreadable(path: parent.path, reason: systemReason(of: error))
        }
        let checkpoints = names.compactMap { CheckpointFolder(name: $0, in: parent) }
        let partial = names.filter { $0.hasPrefix(".\(prefix)") && $0.hasSuffix(partialSuffix) }
        return (
            checkpoints.sorted { ($0.step, $1.isReplaced ? 1 : 0) > ($1.step, $0.isReplaced ? 1 : 0) },
            partial.map { parent.appendingPathComponent($0) }
        )
    }

    /// Whether a folder's name is that of a checkpoint.
    static func isName(_ name: String) -> Bool { CheckpointFolder(name: name, in: URL(fileURLWithPath: "/")) != nil }

    private init?(name: String, in parent: URL) {
        let isReplaced = name.hasSuffix(Self.replacedSuffix)
        let stem = isReplaced ? String(name.dropLast(Self.replacedSuffix.count)) : name
        guard let step = Int(stem.dropFirst(Self.prefix.count)), step >= 0, Self.name(step) == stem else {
            return nil
        }
        self.init(step: step, isReplaced: isReplaced, in: parent)
    }

    var hasMarker: Bool {
        FileManager.default.fileExists(atPath: url.appendingPathComponent(CheckpointMarker.name).path)
    }

    /// Removes the marker first: a crash on the way leaves an unfinished checkpoint, not a damaged one.
    func remove() throws {
        unlink(url.appendingPathComponent(CheckpointMarker.name).path)
        try FileManager.default.removeItem(at: url)
    }
}
