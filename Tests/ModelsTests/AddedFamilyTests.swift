import Foundation
import Support
import Testing

@testable import Checkpoints

/// A family that is not built in: one file beside these tests, which `docs/families.md` shows. `ReferenceParityTests`
/// holds its mathematics against the reference's.
@Suite("A family from one file")
struct AddedFamilyTests {
    private let folder = ModelFixture.folder(ModelFixture.added)

    private func sizes() throws -> Hyperparameters {
        try HubModel(folder, families: ModelFixture.families).hyperparameters
    }

    @Test("docs/families.md shows the whole file")
    func page() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let file = try String(contentsOf: tests.appendingPathComponent("StarCoder2.swift"), encoding: .utf8)
        // Inside the target `Checkpoints` the file needs no import.
        let family = try #require(file.range(of: "extension ModelFamily"))
        let docs = tests.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("docs")
        let page = try String(contentsOf: docs.appendingPathComponent("families.md"), encoding: .utf8)
        #expect(page.contains("```swift\n\(file[family.lowerBound...])```\n"))
    }

    @Test("it is refused by name while it has no entry among the families")
    func withoutEntry() {
        #expect(throws: HubError.unknownFamily(file: "\(folder.path)/config.json", name: "starcoder2")) {
            try HubModel(folder)
        }
    }

    @Test("the context ends where the sliding window would begin to cut")
    func window() throws {
        #expect(try sizes().contextLength == 32)
    }

    @Test("an exported config.json says the same sizes again")
    func exported() throws {
        let sizes = try sizes()
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("config.json")
            try sizes.hubConfiguration(tokenIDs: [:]).write(to: url)
            #expect(try HubConfiguration(url).hyperparameters(families: ModelFixture.families) == sizes)
        }
    }

    @Test("an adapter of PEFT's fits, though the names of its blocks are Llama's too")
    func adapter() throws {
        let adapter = try PEFTAdapter(contentsOf: folder.appendingPathComponent("adapter"))
        try adapter.check(fits: sizes())
        let llama = try HubModel(ModelFixture.folder("llama-gqa-tied")).hyperparameters
        #expect(throws: AdapterError.self) { try adapter.check(fits: llama) }
    }
}
