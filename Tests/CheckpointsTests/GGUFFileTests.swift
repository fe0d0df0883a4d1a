import Checkpoints
import Foundation
import Support
import Testing

@Suite("GGUF files")
struct GGUFFileTests {
    @Test("every kind of metadata is read as it was written")
    func metadata() throws {
        let metadata = try GGUFFile(fixture("gguf/blocks.gguf")).metadata
        #expect(metadata["general.architecture"] == .text("blocks"))
        #expect(metadata["test.u8"] == .unsigned(200))
        #expect(metadata["test.i8"] == .signed(-100))
        #expect(metadata["test.u16"] == .unsigned(60_000))
        #expect(metadata["test.i16"] == .signed(-30_000))
        #expect(metadata["test.u32"] == .unsigned(4_000_000_000))
        #expect(metadata["test.i32"] == .signed(-2_000_000_000))
        #expect(metadata["test.u64"] == .unsigned(.max))
        #expect(metadata["test.i64"] == .signed(.min))
        #expect(metadata["test.f32"] == .real(0.5))
        #expect(metadata["test.f64"] == .real(1e300))
        #expect(metadata["test.flag"] == .flag(true))
        #expect(metadata["test.text"] == .text("caf\u{E9}"))
        #expect(metadata["test.texts"] == .list([.text("a"), .text(""), .text("b c")]))
        #expect(metadata["test.numbers"] == .list([.signed(1), .signed(-2), .signed(3)]))
        #expect(
            metadata["test.nested"]
                == .list([.list([.signed(1), .signed(2)]), .list([.signed(3)])]))
    }

    @Test("every block format gives bit for bit the floats of the reference", arguments: BlockQuantization.allCases)
    func blocks(_ format: BlockQuantization) throws {
        let file = try GGUFFile(fixture("gguf/blocks.gguf"))
        let expected = try SafetensorsFile(fixture("gguf/blocks.safetensors")).values("\(format)")
        let tensor = try #require(file.tensors["\(format)"])
        #expect(tensor.format == format)
        #expect(tensor.shape.reduce(1, *) == expected.count)
        let found = file.floats(tensor)
        #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
    }

    @Test("a file that is not there, a folder and an empty file are refused by name")
    func unreadable() throws {
        try Fixtures.withTemporaryFolder { folder in
            #expect(throws: FileError.self) { try GGUFFile(folder.appendingPathComponent("none.gguf")) }
            #expect(throws: FileError.self) { try GGUFFile(folder) }
            let empty = folder.appendingPathComponent("empty.gguf")
            try Data().write(to: empty)
            #expect(throws: GGUFError.truncated(file: empty.path, place: "the first bytes", missingBytes: 4)) {
                try GGUFFile(empty)
            }
        }
    }
}
