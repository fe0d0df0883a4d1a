import Checkpoints
import Diagnostics
import Foundation
import Support
import Testing

@Suite("Inspecting files")
struct FileInspectionTests {
    private func inspect(_ path: String) throws -> FileInspection { try FileInspection(inspecting: fixture(path).path) }

    @Test("a GGUF model tells its sizes, tensors and tokenizer")
    func gguf() throws {
        let report = try inspect("tiny-model/tiny.gguf")
        #expect(report.kind == .ggufModel && report.family == "llama")
        #expect(report.sizes.first?.name == "layers" && report.sizes.first?.value == "4")
        #expect(report.tokenizer?.model == "gpt2")
        #expect(report.parameters > 0 && report.notes.isEmpty)
        #expect(report.tensors.reduce(0) { $0 + $1.bytes } == report.bytesByType.values.reduce(0, +))
        let blocks = try inspect("gguf/blocks.gguf")
        #expect(blocks.sizes.isEmpty && blocks.notes.contains { $0.contains("architecture blocks") })
        #expect(blocks.bytesByType["Q4_1"] != nil)
    }

    @Test("a hub folder tells its family, sizes and types over all shards")
    func hub() throws {
        let report = try inspect("hub/opt")
        #expect(report.kind == .hubModel && report.family == "opt" && report.notes.isEmpty)
        let model = try HubModel(fixture("hub/opt")).hyperparameters
        let count = model.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
        #expect(report.parameters == count && report.bytesByType == ["BF16": 2 * count])
        #expect(report.tokenizer == nil)
    }

    @Test("a hub model that is not built in is described, with the reason")
    func unsupportedHub() throws {
        try HubFolders.withCopy(of: "opt") { folder in
            try HubFolders.change(folder.appendingPathComponent("config.json"), ["model_type": .text("mamba")])
            try Data("{}".utf8).write(to: folder.appendingPathComponent("tokenizer.json"))
            let report = try FileInspection(inspecting: folder.path)
            #expect(report.family == "mamba" && report.sizes.isEmpty && report.parameters > 0)
            #expect(report.notes.contains { $0.contains("mamba") })
            #expect(report.tokenizer?.model == "tokenizer.json")
        }
    }

    @Test("adapters tell rank, targets, blocks and the number of trainables")
    func adapters() throws {
        let peft = try inspect("hub/gpt2/adapter")
        #expect(peft.kind == .peftAdapter && peft.family == "gpt2")
        let adapter = try #require(peft.adapter)
        #expect(adapter.rank == 4 && adapter.alpha == 6 && adapter.isRankStabilised)
        #expect(adapter.targets == ["c_attn", "c_proj"] && adapter.blocks == [0, 2])
        #expect(adapter.trainables == peft.parameters && adapter.baseModel == "tiny/gpt2")
        #expect(try inspect("peft-classifier").adapter?.savedModules == ["score"])
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.gguf")
            let llama = try PEFTAdapter(contentsOf: fixture("hub/llama/adapter"))
            try llama.writeGGUF(to: url, model: HubModel(fixture("hub/llama")).hyperparameters)
            let report = try FileInspection(inspecting: url.path)
            #expect(report.kind == .ggufAdapter && report.family == "llama")
            #expect(report.adapter?.rank == 3 && report.adapter?.blocks == [0, 1] && report.adapter?.alpha == 6)
            #expect(report.adapter?.targets == ["attn_k", "attn_q", "attn_v", "ffn_up"])
            #expect(report.adapter?.trainables == llama.parameterCount)
        }
    }

    @Test("tensors come in the order of their numbers, and a report survives JSON")
    func order() throws {
        let report = try inspect("gguf/llama.safetensors")
        #expect(report.kind == .safetensors && report.tensors.count == 21)
        let back = try JSONDecoder().decode(FileInspection.self, from: JSONEncoder().encode(report))
        #expect(back == report)
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.safetensors")
            let tensor = SafetensorsTensor(shape: [1], values: [1])
            try SafetensorsFile.write(["h.10": tensor, "h.9": tensor], to: url)
            #expect(try FileInspection(inspecting: url.path).tensors.map(\.name) == ["h.9", "h.10"])
        }
    }

    @Test("what is damaged, unknown or not there is refused")
    func refusals() throws {
        #expect(throws: HubError.self) { try inspect("prose") }
        #expect(throws: FileError.self) { try inspect("none") }
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.gguf")
            try Data("GGUF".utf8).write(to: url)
            #expect(throws: GGUFError.self) { try FileInspection(inspecting: url.path) }
        }
    }
}
