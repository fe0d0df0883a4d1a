import Balancing
import Datasets
import Diagnostics
import Foundation
import Recipes
import Testing

@Suite("Fleets of compared methods")
struct FleetFileTests {
    private static let valid = """
        name: three
        classes:
            board:
                like: single-board
                count: 4
                data_share: 0.5
                label_skew: one-label-per-device
                memory_bytes: 300MiB
            phone:
                like: phone
                count: 4
                data_share: 0.25
                windows: [0-3600, 7200-10800]
                window_period_seconds: 21600
            own:
                fp32_flops_per_second: 1e9
                uplink_bytes_per_second: 1000
                memory_bytes: 1GiB
                count: 2
                data_share: 0.25
        """

    private func file(_ yaml: String = valid, _ overrides: [String] = []) throws(RecipeError) -> FleetFile {
        try FleetFile(yaml: yaml, file: "f.yaml", overrides: overrides, for: .comparison)
    }

    @Test("a class has the built-in figures of the one that it names, and its own in their place")
    func builtIn() throws {
        let classes = try file().fleet.classes
        let board = try #require(classes.first { $0.name == "board" })
        let known = try #require(Fleet.DeviceClass.builtIn(named: "single-board"))
        #expect(board.fp32FlopsPerSecond == known.fp32FlopsPerSecond && board.watts == known.watts)
        #expect(board.memoryBytes == 300 << 20 && board.name == "board" && board.labelSkew == .oneLabelPerDevice)
        let phone = try #require(classes.first { $0.name == "phone" })
        #expect(phone.windows == [.init(from: 0, to: 3600), .init(from: 7200, to: 10800)])
        #expect(phone.labelSkew == nil && phone.windowPeriodSeconds == 21600)
    }

    @Test(
        "the fleets of this project that say what devices can do serve comparisons too",
        arguments: ["three-classes", "wireless"])
    func ours(_ name: String) throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../recipes/fleets/\(name).yaml").standardizedFileURL.path
        let file = try FleetFile(file: path, for: .comparison)
        try file.checkSkew(labels: 2, examples: 1000, otherwise: .dirichlet(alpha: 0.1))
        #expect(file.fleet.classes.count == 3)
    }

    @Test("every built-in class can be used as it is")
    func allBuiltIn() throws {
        #expect(Fleet.DeviceClass.builtIn.map(\.name) == ["single-board", "phone", "jetson", "laptop"])
        for name in Fleet.DeviceClass.builtIn.map(\.name) {
            let fleet = try file("name: a\nclasses: {a: {like: \(name), count: 1}}").fleet
            #expect(fleet.classes[0].flopsPerSecond(.bf16) ?? 0 >= fleet.classes[0].flopsPerSecond(.fp32) ?? 1)
        }
    }

    @Test(
        "a bad fleet is refused with number, line and column, and what to do",
        arguments: [
            BadRecipe("like: phone", "like: fone", .recipeImpossibleValue, at: "f.yaml:10:15", "'phone'"),
            BadRecipe(
                "uplink_bytes_per_second: 1000", "uplink_bytes_per_second: 0", .recipeImpossibleValue, at: "17:34",
                "1000000000000"),
            BadRecipe(
                "fp32_flops_per_second: 1e9", "fp32_flops_per_second: 0", .recipeImpossibleValue, at: "16:32",
                "Correct the value"),
            BadRecipe(
                "    fp32_flops_per_second: 1e9", "", .recipeImpossibleValue, at: "f.yaml",
                "'classes.own.fp32_flops_per_second' is missing"),
            BadRecipe("memory_bytes: 1GiB", "memory_bytes: 0", .recipeImpossibleValue, at: "18:23", "1MiB"),
            BadRecipe("data_share: 0.5", "data_share: 0.6", .recipeImpossibleValue, at: "12:21", "sum to 1", "1.1"),
            BadRecipe(
                "        data_share: 0.5\n", "", .recipeImpossibleValue, at: "4:15", "'classes.board.data_share'",
                "Give every class a data_share, or none"),
            BadRecipe("one-label-per-device", "by-label", .recipeImpossibleValue, at: "7:21", "dirichlet(ALPHA)"),
            BadRecipe("[0-3600, 7200-10800]", "[0-3600, 1800-7200]", .recipeImpossibleValue, at: "13:18", "ascending"),
            BadRecipe("7200-10800", "7200-21601", .recipeImpossibleValue, at: "13:18", "two windows"),
            BadRecipe("0-3600", "3600-0", .recipeImpossibleValue, at: "13:19", "at least one second long"),
            BadRecipe("0-3600", "night", .recipeWrongType, at: "13:19", "FROM-TO"),
            BadRecipe(
                "name: three", "name: three\nradio: {bandwidth_hertz: 1e6}", .recipeImpossibleValue, at: "f.yaml",
                "distance_metres' is missing"),
        ])
    func refuses(_ bad: BadRecipe) throws {
        let yaml = Self.valid.replacing(bad.replacing, with: bad.with, maxReplacements: 1)
        #expect(yaml != Self.valid)
        do {
            _ = try file(yaml)
            Issue.record("accepted: \(bad.with)")
        } catch {
            #expect(error.exitCode == bad.code)
            #expect(error.problem.contains(bad.place), "\(error.problem)")
            for word in bad.mentions { #expect("\(error)".contains(word), "\(error)") }
        }
    }

    @Test("a device that could not hold a method is refused with the line of its memory and both sizes")
    func memory() throws {
        let file = try file()
        try file.checkMemory(for: "hosl with 3 blocks") { $0.name == "board" ? 300 << 20 : 1 << 30 }
        let error = #expect(throws: RecipeError.self) {
            try file.checkMemory(for: "hosl with 3 blocks") { _ in 301 << 20 }
        }
        #expect(error?.problem.hasPrefix("f.yaml:8:23: 'classes.board.memory_bytes'") == true)
        for word in ["301MiB", "300MiB", "hosl with 3 blocks", "fewer blocks"] {
            #expect(error.map { "\($0)".contains(word) } == true, "\(String(describing: error))")
        }
        #expect(throws: RecipeError.self) { try file.checkMemory(for: "anything") { _ in .max } }
    }

    @Test("a simulated fleet with a device that cannot hold one block is refused with its line")
    func oneBlock() {
        let yaml = """
            name: a
            model:
                {frozen_blocks: 4, bytes_per_token: 9, memory_bytes_per_block: 8MiB, fixed_memory_bytes: 1MiB,
                block_flops_per_token: 1e6}
            server: {advance_block_tokens_per_second: 1, step_tokens_per_second: 1}
            classes:
                small: {like: phone, count: 1, samples: 3, memory_bytes: 8MiB}
            """
        let error = #expect(throws: RecipeError.self) { try Fleet.parse(yaml: yaml, file: "f.yaml") }
        #expect(error?.problem.contains("f.yaml:7:62: 'classes.small.memory_bytes'") == true, "\(error?.problem ?? "")")
        let fitting = try? Fleet.parse(yaml: yaml, file: "f.yaml", overrides: ["classes.small.memory_bytes=9MiB"])
        #expect(fitting?.classes[0].blockTokensPerSecond == 40_000)
    }

    @Test("a skew that the data cannot have is refused with its line: labels without a device, labels without examples")
    func skew() throws {
        let file = try file()
        try file.checkSkew(labels: 4, examples: 100, otherwise: .iid)
        let cases: [(labels: Int, examples: Int, skew: Partition, place: String, word: String)] = [
            (5, 100, .iid, "f.yaml:5:16", "5 labels have a device each"),
            (4, 9, .iid, "f.yaml:5:16", "10 devices"),
            (60, 100, .iid, "f.yaml:7:21", "50 examples of 60 labels"),
            (0, 100, .iid, "f.yaml:7:21", "no labels"),
        ]
        for bad in cases {
            let error = #expect(throws: RecipeError.self) {
                try file.checkSkew(labels: bad.labels, examples: bad.examples, otherwise: bad.skew)
            }
            let text = error.map { "\($0)" } ?? ""
            #expect(text.contains(bad.place) && text.contains(bad.word), "\(text)")
        }
        let other = try self.file(Self.valid, ["classes.board.label_skew=iid"])
        let error = #expect(throws: RecipeError.self) {
            try other.checkSkew(labels: 60, examples: 100, otherwise: .dirichlet(alpha: 0.5))
        }
        #expect(error?.problem.contains("f.yaml:19:16: 'classes.own.label_skew'") == true, "\(error?.problem ?? "")")
    }
}
