import Balancing
import Diagnostics
import Foundation
import Recipes
import Testing

@Suite("Fleets")
struct FleetTests {
    private static let valid = """
        name: test
        model: {frozen_blocks: 24, bytes_per_token: 1152, memory_bytes_per_block: 14MiB, fixed_memory_bytes: 1MiB}
        training:
            epochs: 3
        server:
            advance_block_tokens_per_second: 1000
            step_tokens_per_second: 100
        classes:
            phone:
                count: 7
                block_tokens_per_second: 50
                uplink_bytes_per_second: 1000
                memory_bytes: 1GiB
                samples: 9
        """

    @Test("a fleet has what its file says, an override replaces it, and the rest is default")
    func reads() throws {
        let fleet = try Fleet.parse(yaml: Self.valid, file: "f.yaml", overrides: ["classes.phone.count=8", "seed=3"])
        #expect(fleet.model.epochs == 3 && fleet.seed == 3 && fleet.batch == Fleet().batch)
        #expect(fleet.classes.map(\.name) == ["phone"] && fleet.classes.map(\.count) == [8])
        #expect(fleet.classes.map(\.memoryBytes) == [1 << 30])
    }

    @Test(
        "a bad fleet is refused with number, line and column, and the nearest key or the possible values",
        arguments: [
            BadRecipe("epochs: 3", "epoch: 3", .recipeUnknownKey, at: "4:5", "'training.epochs'"),
            BadRecipe("count: 7", "cuont: 7", .recipeUnknownKey, at: "10:9", "'classes.phone.count'"),
            BadRecipe("count: 7", "count: 0", .recipeImpossibleValue, at: "10:16", "100000"),
            BadRecipe("count: 7", "count: many", .recipeWrongType, at: "10:16", "'many'"),
            BadRecipe("        samples: 9", "", .recipeImpossibleValue, at: "f.yaml", "'classes.phone.samples'"),
            BadRecipe("samples: 9", "samples: {a: 1}", .recipeWrongType, at: "14:18", "'classes.phone.samples'"),
            BadRecipe("clas", "glas", .recipeUnknownKey, at: "8:1", "'classes'"),
            BadRecipe("count: 7", "count: 100000\n        samples: 1000", .recipeSyntax, at: "11:9", "'samples'"),
        ])
    func refuses(_ bad: BadRecipe) throws {
        let yaml = Self.valid.replacing(bad.replacing, with: bad.with)
        #expect(yaml != Self.valid)
        do {
            _ = try Fleet.parse(yaml: yaml, file: "f.yaml")
            Issue.record("accepted: \(bad.with)")
        } catch {
            #expect(error.exitCode == bad.code)
            #expect(error.problem.contains(bad.place), "\(error.problem)")
            for word in bad.mentions { #expect("\(error)".contains(word), "\(error)") }
        }
    }

    @Test("a fleet of more devices or samples than fit is refused, at any sizes")
    func tooLarge() {
        for override in ["classes.phone.samples=1000000", "model.minimum_cut=25"] {
            #expect(throws: RecipeError.self) {
                try Fleet.parse(yaml: Self.valid, file: "f.yaml", overrides: ["classes.phone.count=100000", override])
            }
        }
    }

    @Test("the fleets of this project can be read")
    func ours() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../recipes/fleets").standardizedFileURL
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
        #expect(files.count >= 2)
        for file in files { _ = try Fleet.load(file: folder.appendingPathComponent(file).path) }
    }
}
