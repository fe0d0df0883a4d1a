import Foundation
import Models
import Recipes
import Support
import Synchronization
import Tensors
import Testing

@testable import Runs

@Suite("Prepared blocks in the cache folder")
struct PreparedWeightsTests {
    private static let digest = String(repeating: "0f", count: 32)

    /// What was told of an opening, in words, and whether there are blocks.
    private struct Opening: Equatable {
        let news: [String]
        let isThere: Bool
    }

    private func open(_ folder: URL, as type: WeightType = .bf16) throws -> Opening {
        let news = Mutex<[String]>([])
        let weights = PreparedWeights(
            source: try RandomModelSource(), digest: Self.digest, type: type,
            cache: CacheFolder(environment: ["PERMAFROST_CACHE": folder.path])
        ) { told in
            let word =
                switch told {
                case .made: "made"
                case .damaged: "damaged"
                case .unavailable: "unavailable"
                }
            news.withLock { $0.append(word) }
        }
        let isThere = try weights.open() != nil
        return Opening(news: news.withLock { $0 }, isThere: isThere)
    }

    private func file(_ folder: URL, as type: WeightType = .bf16) -> URL {
        folder.appendingPathComponent("prepared/\(Self.digest)-\(type.rawValue).blocks")
    }

    @Test("they are made once for each type, and found from then on")
    func once() throws {
        try Fixtures.withTemporaryFolder { folder in
            for type in WeightType.allCases {
                let openings = try (0..<3).map { _ in try open(folder, as: type) }
                #expect(openings.map(\.news) == [["made"], [], []] && openings.allSatisfy(\.isThere))
            }
        }
    }

    @Test("a damaged file is told about and made anew, and what a killed process has left goes")
    func damaged() throws {
        try Fixtures.withTemporaryFolder { folder in
            #expect(try open(folder).isThere)
            let whole = try Data(contentsOf: file(folder))
            let leftover = folder.appendingPathComponent("prepared/.\(Self.digest)-bf16.blocks.1.partial")
            let foreign = folder.appendingPathComponent("prepared/.\(Self.digest)-f32.blocks.1.partial")
            for url in [leftover, foreign] { try Data([1]).write(to: url) }
            try whole.dropLast(3).write(to: file(folder))
            #expect(try open(folder) == Opening(news: ["damaged", "made"], isThere: true))
            #expect(try Data(contentsOf: file(folder)) == whole)
            #expect(!FileManager.default.fileExists(atPath: leftover.path))
            #expect(FileManager.default.fileExists(atPath: foreign.path), "it may still be written")
        }
    }

    @Test("of several processes that want it at the same time one makes it")
    func together() throws {
        try Fixtures.withTemporaryFolder { folder in
            let told = try ComputePool(threads: 4).map(8) { _ in try open(folder).news }
            #expect(told.flatMap { $0 } == ["made"])
        }
    }

    @Test("where it cannot be made the run goes on without, and says why")
    func unavailable() throws {
        try Fixtures.withTemporaryFolder { folder in
            // A file where the folder would be stops even a user who may do everything.
            try Data().write(to: folder.appendingPathComponent("prepared"))
            let opening = try open(folder)
            #expect(opening == Opening(news: ["unavailable"], isThere: false))
        }
    }
}
