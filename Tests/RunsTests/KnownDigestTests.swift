import Foundation
import Recipes
import Support
import Testing

@testable import Runs

@Suite("Digests that were taken before")
struct KnownDigestTests {
    private static let digest = String(repeating: "5a", count: 32)

    /// A file in a folder of its own, and a cache folder beside it.
    private func withFile(_ body: (URL, CacheFolder) throws -> Void) throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model")
            try Data("a model".utf8).write(to: url)
            try body(url, CacheFolder(environment: ["PERMAFROST_CACHE": folder.appendingPathComponent("c").path]))
        }
    }

    private func remember(_ url: URL, _ cache: CacheFolder, settled: Double = -1) throws {
        let handle = try FileHandle(forReadingFrom: url)
        KnownDigest.remember(
            Self.digest, of: url.path, stamp: FileStamp(descriptor: handle.fileDescriptor),
            descriptor: handle.fileDescriptor, settledSeconds: settled, in: cache)
    }

    private func known(_ url: URL, _ cache: CacheFolder) throws -> String? {
        let handle = try FileHandle(forReadingFrom: url)
        return KnownDigest.find(url.path, descriptor: handle.fileDescriptor, in: cache)
    }

    @Test("a digest is known as long as its file does not change, and checks go by it")
    func unchanged() throws {
        try withFile { url, cache in
            #expect(try known(url, cache) == nil)
            try remember(url, cache)
            #expect(try known(url, cache) == Self.digest)
            // It is not the file's own: so nothing was hashed.
            try checkFile(url.path, sha256: Self.digest, key: "model.path", remembering: cache)
            #expect(throws: RunError.self) { try checkFile(url.path, sha256: Self.digest, key: "model.path") }
        }
    }

    @Test(
        "after any change it is taken again, even if size and time of modification are as before",
        arguments: ["written", "replaced", "longer"])
    func changed(how: String) throws {
        try withFile { url, cache in
            try remember(url, cache)
            let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
            let bytes = Data((how == "longer" ? "a model." : "A model").utf8)
            if how == "replaced" {
                try bytes.write(to: url, options: .atomic)
            } else {
                let handle = try FileHandle(forWritingTo: url)
                try handle.write(contentsOf: bytes)
                try handle.close()
            }
            try FileManager.default.setAttributes(
                [.modificationDate: try #require(attributes[.modificationDate])], ofItemAtPath: url.path)
            #expect(try known(url, cache) == nil)
            #expect(throws: RunError.self) {
                try checkFile(url.path, sha256: Self.digest, key: "model.path", remembering: cache)
            }
        }
    }

    @Test(
        "of a file that has just been written nothing is remembered: the clock might not tell the next change from it")
    func fresh() throws {
        try withFile { url, cache in
            try remember(url, cache, settled: 3600)
            #expect(try known(url, cache) == nil)
        }
    }

    @Test("damaged notes are no notes")
    func damaged() throws {
        try withFile { url, cache in
            try remember(url, cache)
            let folder = URL(fileURLWithPath: cache.path).appendingPathComponent("digests")
            let note = try #require(
                try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).first)
            let text = try Data(contentsOf: note)
            for damaged in [Data(), text.dropLast(2), Data("[]".utf8), Data(repeating: 0x5B, count: 100_000)] {
                try Data(damaged).write(to: note)
                #expect(try known(url, cache) == nil)
            }
        }
    }
}
