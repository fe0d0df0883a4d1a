import Foundation
import Recipes
import Testing

@Suite("The recipe reference")
struct RecipePageTests {
    @Test("docs/recipes.md is what the schema says; PERMAFROST_RECORD=1 writes it anew")
    func page() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/recipes.md")
        if ProcessInfo.processInfo.environment["PERMAFROST_RECORD"] == "1" {
            try Recipe.documentation.write(to: page, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: page, encoding: .utf8) == Recipe.documentation)
    }

    @Test("every key has its meaning, its values and a section that stands together")
    func complete() {
        var sections: [String?] = []
        for key in Recipe.keys {
            #expect(!key.help.isEmpty && !key.help.hasSuffix("."), "\(key.key)")
            #expect(!key.expected.isEmpty, "\(key.key)")
            if sections.last != .some(key.section) { sections.append(key.section) }
        }
        let named = sections.compactMap { $0 }
        #expect(named.count == Set(named).count, "\(named)")
    }

    @Test("every word that a value is chosen from has a meaning of its own")
    func choices() throws {
        for key in Recipe.keys where key.expected.contains("one of ") && !key.choices.isEmpty {
            #expect(key.choices.allSatisfy { !$0.meaning.isEmpty && !$0.meaning.hasSuffix(".") }, "\(key.key)")
            #expect(Set(key.choices.map(\.meaning)).count == key.choices.count, "\(key.key)")
        }
        let codec = try #require(Recipe.keys.first { $0.key == "devices.codec" })
        #expect(codec.choices.map(\.name) == ["f32", "bf16", "int8", "int4", "auto", "int4_residual"])
    }
}
