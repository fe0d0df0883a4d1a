import Foundation

/// Where tests find their files.
public enum Fixtures {
    /// The repository's folder of committed fixtures.
    public static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

    /// The folder of fetched models and data: `PERMAFROST_CACHE`, or `~/.cache/permafrost`.
    public static let cache: URL = {
        if let path = ProcessInfo.processInfo.environment["PERMAFROST_CACHE"], !path.isEmpty {
            return URL(fileURLWithPath: path)
        }
        return FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".cache/permafrost")
    }()

    /// The fetched model that the real-model tests read.
    public static let model = cache.appendingPathComponent("SmolLM2-135M-Instruct.Q4_1.gguf")

    /// The fetched movie sentences.
    public static let movieSentences = cache.appendingPathComponent("movieReviewSnippets_GroundTruth.txt")

    /// Whether all these files are there.
    public static func exist(_ files: URL...) -> Bool {
        files.allSatisfy { FileManager.default.fileExists(atPath: $0.path) }
    }

    /// Runs a test with an empty folder that is removed afterwards.
    public static func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("permafrost-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }
}
