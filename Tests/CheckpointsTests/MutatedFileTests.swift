import Checkpoints
import Diagnostics
import Foundation
import Randomness
import Support
import Testing

@Suite("Damaged files")
struct MutatedFileTests {
    private static let seed: UInt64 = 20
    private static let mutants = 3000

    /// Writes mutants of a file and opens each: whatever happens must be success or a numbered error.
    ///
    /// - Returns: how many were refused.
    private func openMutants(
        of name: String, header: Int, _ stream: String, _ open: (URL) throws -> Void
    ) throws -> Int {
        let original = [UInt8](try Data(contentsOf: fixture(name)))
        var chance = SeededGenerator(seed: Self.seed, stream: stream)
        return try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("mutant")
            var refused = 0
            for number in 0..<Self.mutants {
                try Data(mutate(original, header: header, &chance)).write(to: url)
                do {
                    try open(url)
                } catch {
                    refused += 1
                    let numbered = error as? any NumberedError
                    #expect(numbered != nil, "mutant \(number) of seed \(Self.seed): \(error)")
                    #expect(numbered?.problem.isEmpty == false && numbered?.remedy.isEmpty == false)
                }
            }
            return refused
        }
    }

    @Test("no mutant of a GGUF file does worse than a numbered error")
    func gguf() throws {
        for name in ["gguf/blocks.gguf", "gguf/llama.gguf"] {
            let refused = try openMutants(of: name, header: 1800, name) { url in
                let file = try GGUFFile(url)
                for tensor in file.tensors.values { _ = file.floats(tensor) }
                _ = try? file.tokenizerMetadata()
                _ = try GGUFModel(file)
            }
            #expect(refused > Self.mutants / 2)
        }
    }

    @Test("no mutant of a safetensors file does worse than a numbered error")
    func safetensors() throws {
        let refused = try openMutants(of: "gguf/blocks.safetensors", header: 800, "safetensors") { url in
            let file = try SafetensorsFile(url)
            for name in file.shapes.keys { _ = try file.values(name) }
        }
        #expect(refused > Self.mutants / 2)
    }

    @Test("every file cut short is refused with the number of bytes that are missing")
    func truncations() throws {
        let original = try Data(contentsOf: fixture("gguf/blocks.gguf"))
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("cut.gguf")
            for length in stride(from: 0, to: original.count - 40, by: 97) {
                try original.prefix(length).write(to: url)
                do {
                    _ = try GGUFFile(url)
                    Issue.record("\(length) bytes of \(original.count) were accepted")
                } catch GGUFError.truncated(_, _, let missing) {
                    #expect(missing > 0)
                }
            }
        }
    }

    /// One to three damages: a cut, flipped bits, a number that claims too much, or a stretch copied elsewhere.
    private func mutate(_ original: [UInt8], header: Int, _ chance: inout SeededGenerator) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &chance) where bytes.count > 16 {
            let place = Int.random(in: 0..<min(header, bytes.count - 8), using: &chance)
            switch Int.random(in: 0..<10, using: &chance) {
            case 0: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &chance))
            case 1...5: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
            case 6...8:
                let bombs: [UInt64] = [.max, 1 << 63, 1 << 62, 1 << 40, 1 << 32, 0xFFFF_FFFF, 1 << 24, 4096, 0]
                let bomb = bombs.randomElement(using: &chance) ?? .max
                let width = Bool.random(using: &chance) ? 8 : 4
                for byte in 0..<width { bytes[place + byte] = UInt8(truncatingIfNeeded: bomb >> UInt64(8 * byte)) }
            default:
                let source = Int.random(in: 0..<min(header, bytes.count - 8), using: &chance)
                let length = min(Int.random(in: 1...64, using: &chance), bytes.count - max(place, source))
                bytes.replaceSubrange(place..<place + length, with: bytes[source..<source + length])
            }
        }
        return bytes
    }
}
