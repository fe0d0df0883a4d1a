import Diagnostics
import Foundation
import Support
import Testing

@testable import Checkpoints

/// Every loop runs in a process of its own: there a crash is a failure with a name, and the peak of memory is the loop's.
@Suite("Damaged files")
struct MutatedFileTests {
    @Test("no mutant of a GGUF model does worse than a numbered error")
    func gguf() async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent, \.standardErrorContent]
        ) {
            for name in ["gguf/blocks.gguf", "gguf/llama.gguf"] {
                try Mutants(of: [name], stream: name, count: 2500).openEach { folder in
                    let file = try GGUFFile(folder.appendingPathComponent(name.dropFirst(5).description))
                    for tensor in file.tensors.values {
                        let rows = tensor.shape.dropLast().reduce(1, *)
                        _ = floats(rows: 2, columns: tensor.shape.last ?? 1) {
                            file.read(rows: [0, rows - 1], of: tensor, into: $0)
                        }
                    }
                    _ = try? file.tokenizerMetadata()
                    _ = try GGUFModel(file)
                }
            }
        }
        show(child)
    }

    @Test("no mutant of a safetensors file does worse than a numbered error")
    func safetensors() async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent, \.standardErrorContent]
        ) {
            try Mutants(of: ["gguf/blocks.safetensors"], stream: "safetensors", count: 5000).openEach { folder in
                let file = try SafetensorsFile(folder.appendingPathComponent("blocks.safetensors"))
                for name in file.shapes.keys { _ = try file.values(name) }
            }
        }
        show(child)
    }

    @Test("no mutant of an adapter folder does worse than a numbered error, and all numbers loaded are finite")
    func adapters() async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent, \.standardErrorContent]
        ) {
            for folder in ["hub/gpt2/adapter", "peft-classifier"] {
                let files = ["adapter_config.json", "adapter_model.safetensors"].map { "\(folder)/\($0)" }
                try Mutants(of: files, stream: folder, count: 2500).openEach { folder in
                    let adapter = try PEFTAdapter(contentsOf: folder)
                    let values = adapter.pairs.values.flatMap { $0.a + $0.b }
                    guard values.allSatisfy(\.isFinite) else { throw NotFinite() }
                }
            }
        }
        show(child)
    }

    @Test("no mutant of a hub folder does worse than a numbered error")
    func hubFolders() async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent, \.standardErrorContent]
        ) {
            for (family, weights) in [
                ("gpt2", ["model.safetensors"]), ("llama", ["model.safetensors"]),
                ("opt", ["model.safetensors.index.json"] + (1...4).map { "model-0000\($0)-of-00004.safetensors" }),
            ] {
                let files = (["config.json", "config.json"] + weights).map { "hub/\(family)/\($0)" }
                try Mutants(of: files, stream: family, count: 1700).openEach { folder in
                    _ = try? FileInspection(inspecting: folder.path)
                    let model = try HubModel(folder)
                    // Numbers that are not finite are loaded: training says when a loss is none.
                    for tensor in model.hyperparameters.tensors {
                        let rows = tensor.shape.dropLast().reduce(1, *), columns = tensor.shape.last ?? 1
                        _ = try floats(rows: 2, columns: columns) { matrix in
                            try model.readRows([0, rows - 1], of: tensor.name, into: matrix)
                        }
                    }
                }
            }
        }
        show(child)
    }

    @Test(
        "a header built to take memory is refused, or costs no more than the file and 64 MiB",
        arguments: MemoryBombs.all.map(\.name))
    func bombs(_ name: String) async throws {
        let bytes = try #require(MemoryBombs.all.first { $0.name == name }).bytes()
        // Named by hand: a closure that waits cannot run inside of `withTemporaryFolder`.
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "permafrost-\(UUID().uuidString) \(name)")
        try bytes.write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        let path = url.path
        let size = bytes.count
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent, \.standardErrorContent]
        ) { [path = path as String, size = size as Int] in
            let url = URL(fileURLWithPath: path)
            let peak = try PeakMemory()
            do {
                switch url.pathExtension {
                case "gguf": _ = try GGUFFile(url)
                case "json": _ = try HubConfiguration(url).hyperparameters()
                default: _ = try SafetensorsFile(url)
                }
            } catch is any NumberedError {}
            let growth = try peak.growth()
            #expect(growth <= size + 64 << 20, "\(growth) bytes for a file of \(size)")
            print("\(url.lastPathComponent): \(size >> 10) KiB, peak \(growth >> 10) KiB above the start")
        }
        show(child)
    }

    @Test("brackets without end are refused before they exhaust the stack", arguments: ["[", #"{"a":"#])
    func deepJSON(_ opening: String) async throws {
        let text = String(repeating: opening, count: 200_000)
        try Fixtures.withTemporaryFolder { folder in
            let config = folder.appendingPathComponent("config.json")
            try Data(#"{"model_type":\#(text)"#.utf8).write(to: config)
            #expect(throws: HubError.self) { try HubConfiguration(config) }
            let header = Data(#"{"x":\#(text)"#.utf8)
            let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
            let weights = folder.appendingPathComponent("a.safetensors")
            try (length + header).write(to: weights)
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(weights) }
        }
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

    /// An adapter that was loaded with a number that is none.
    private struct NotFinite: Error {}
}
