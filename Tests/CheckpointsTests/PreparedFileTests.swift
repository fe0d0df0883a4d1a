import Checkpoints
import Foundation
import Randomness
import Support
import Tensors
import Testing

@Suite("Files of prepared floats")
struct PreparedFileTests {
    private static let shape = PreparedFile.Shape(identity: "numbers of a test", runs: 3, floats: 1500)

    private struct Failure: Error {}

    /// A file of random runs, and these.
    private func withFile(_ body: (URL, [[Float]]) throws -> Void) throws {
        try Fixtures.withTemporaryFolder { folder in
            var chance = SeededGenerator(seed: 11, stream: "prepared-file")
            let runs = (0..<Self.shape.runs).map { _ in
                Storage(normal: Self.shape.floats, using: &chance)
            }
            let url = folder.appendingPathComponent("runs")
            try PreparedFile.write(to: url, shape: Self.shape) { runs[$0] }
            try body(url, runs.map { Array(UnsafeBufferPointer(start: $0.base, count: $0.count)) })
        }
    }

    private func values(_ storage: Storage) -> [Float] {
        storage.matrix(rows: 1, columns: storage.count).values
    }

    @Test("every run comes back to the bit, from the begin of a page, and outlives its file")
    func whole() throws {
        try withFile { url, runs in
            var file: PreparedFile? = try PreparedFile(url, shape: Self.shape)
            let read = try (0..<3).map { try #require(file).run($0) }
            file = nil
            try FileManager.default.removeItem(at: url)
            #expect(read.map(values) == runs)
            #expect(read.allSatisfy { Int(bitPattern: $0.base) % 4096 == 0 })
        }
    }

    @Test("a run with any bit flipped is refused, and the others are not")
    func flippedBits() throws {
        try withFile { url, runs in
            let original = try Data(contentsOf: url)
            var chance = SeededGenerator(seed: 12, stream: "prepared-file")
            var refused = 0
            for _ in 0..<400 {
                var damaged = original
                let bit = Int.random(in: 0..<8 * original.count, using: &chance)
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                try damaged.write(to: url)
                guard let file = try? PreparedFile(url, shape: Self.shape) else {
                    refused += 1
                    continue
                }
                let read = (0..<3).map { try? values(file.run($0)) }
                #expect(zip(read, runs).allSatisfy { $0 == nil || $0 == $1 }, "bit \(bit)")
                #expect(read.count { $0 == nil } <= 1, "bit \(bit)")
                refused += read.contains { $0 == nil } ? 1 : 0
            }
            // The rest are bits between the runs, of which nothing is made.
            #expect(refused > 250)
        }
    }

    @Test("a file cut short or grown, of another shape or of something else is refused")
    func strangers() throws {
        try withFile { url, _ in
            var others = [Self.shape, Self.shape, Self.shape]
            others[0].identity = "numbers of another test"
            others[1].runs = 2
            others[2].floats = 1499
            for other in others {
                #expect(throws: FileError.self) { try PreparedFile(url, shape: other) }
            }
            let original = try Data(contentsOf: url)
            for bytes in [original.dropLast(), original + [0], Data(original.prefix(4096)), Data()] {
                try Data(bytes).write(to: url)
                #expect(throws: FileError.self) { try PreparedFile(url, shape: Self.shape) }
            }
        }
    }

    @Test("where a run cannot be made there is no file, and nothing of it is left")
    func failure() throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("runs")
            #expect(throws: Failure.self) {
                try PreparedFile.write(to: url, shape: Self.shape) { index in
                    guard index < 2 else { throw Failure() }
                    return Storage(count: Self.shape.floats)
                }
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(left.isEmpty)
        }
    }
}
