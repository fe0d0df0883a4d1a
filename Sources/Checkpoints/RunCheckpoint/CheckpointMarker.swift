import Diagnostics
import Foundation

/// The file that is written last and says what the others hold: a line for each, with its size and hash.
///
/// A reader writes the marker of the files that it finds and compares the two byte for byte, so that no damage to the
/// marker itself can pass either.
struct CheckpointMarker {
    static let name = "complete"

    private let folder: URL
    private let bytes: Data

    static func text(_ digests: [(file: String, digest: FileDigest)]) -> String {
        digests.map { "\($0.file) \($0.digest)\n" }.joined()
    }

    /// - Throws: `CheckpointError.unreadable`, `.unfinished` when the folder has no marker.
    init(in folder: URL) throws(CheckpointError) {
        self.folder = folder
        let url = folder.appendingPathComponent(Self.name)
        do {
            bytes = try Data(contentsOf: url)
        } catch {
            let isUnfinished =
                FileManager.default.fileExists(atPath: folder.path)
                && !FileManager.default.fileExists(atPath: url.path)
            throw isUnfinished
                ? .unfinished(folder: folder.path) : .unreadable(path: url.path, reason: systemReason(of: error))
        }
    }

    /// - Throws: `CheckpointError.damaged` when one of the files is another than the marker says.
    func check(_ digests: [(file: String, digest: FileDigest)]) throws(CheckpointError) {
        guard bytes != Data(Self.text(digests).utf8) else { return }
        let lines = Set(String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init))
        for (file, digest) in digests where !lines.contains("\(file) \(digest)") {
            throw .damaged(folder: folder.path, file: file, reason: "'\(Self.name)' names another size or hash")
        }
        throw .damaged(folder: folder.path, file: Self.name, reason: "it is not the list of the files")
    }
}
