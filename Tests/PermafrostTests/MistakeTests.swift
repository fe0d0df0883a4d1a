import Checkpoints
import Diagnostics
import Foundation
import Support
import Testing

@Suite("Mistakes about adapters, layers and tasks")
struct MistakeTests {
    @Test("a mistake is told with its number, its place and a remedy", arguments: layers + otherBases + tasks)
    func refused(_ mistake: BadInput) throws { try BadInputTests().refused(mistake) }
}

private let layers = [
    BadInput(
        "a layer of another family", "lora.targets=[q, c_attn]", code: .recipeImpossibleValue,
        mentions: ["lora.targets", "c_attn", "llama", "Choose among", "gate"]),
    BadInput(
        "a layer that no family has", "lora.targets=[q, gat]", code: .recipeImpossibleValue,
        mentions: ["override", "'lora.targets'", "found gat", "Perhaps 'gate' was meant"]),
    BadInput(
        "no layers at all", "lora.targets=[]", code: .recipeImpossibleValue, mentions: ["'lora.targets'"]),
    BadInput(
        "a cut beyond the model", "model.frozen_blocks=9", "devices.cuts=[9, 1]", code: .recipeImpossibleValue,
        mentions: ["model.frozen_blocks is 9", "4 blocks", "at most 3"]),
    BadInput(
        "adapters beyond the model", "lora.blocks=4-5", code: .recipeImpossibleValue,
        mentions: ["lora.blocks ends with 5", "4 blocks", "end with 4 at most"]),
    BadInput(
        "adapters in frozen blocks", "lora.blocks=3-4", code: .recipeImpossibleValue,
        mentions: ["'lora.blocks'", "above model.frozen_blocks, 3"]),
    BadInput(
        "a digest for a folder", "model.path=.", "model.sha256=\(String(repeating: "0", count: 64))",
        code: .recipeImpossibleValue, mentions: ["model.sha256", "is a folder", "null"]),
    BadInput(
        "a rank of nothing", "lora.rank=0", code: .recipeImpossibleValue, mentions: ["'lora.rank'", "from 1 to 1024"]),
]

private let otherBases = ["eval", "start"].flatMap { use in
    [
        BadInput(
            use, "an adapter for a narrower model", mentions: ["self_attn.q_proj of block 3", "32 inputs", "has 16"]
        ) { try $0.writeAdapter(.llama, "self_attn.q_proj", inputs: 16, outputs: 16) },
        BadInput(use, "an adapter for more blocks", mentions: ["block 9 of 4"]) {
            try $0.writeAdapter(.llama, "self_attn.q_proj", block: 9, inputs: 32, outputs: 32)
        },
        BadInput(use, "an adapter for another family", mentions: ["gpt2", "llama"]) {
            try $0.writeAdapter(.gpt2, "attn.c_attn", inputs: 32, outputs: 96)
        },
    ]
}

private let tasks = [
    BadInput(
        "a start of another rank", "lora.start=adapter", code: .adapterMismatch, mentions: ["adapter", "rank", "lora"]
    ) { try $0.writeAdapter(.llama, "self_attn.q_proj", inputs: 32, outputs: 32) },
    BadInput(
        "a start without an adapter", "lora.start=.", code: .adapterMalformed, mentions: ["adapter_config.json"]),
    BadInput(
        "a start for full fine-tuning", "lora.start=adapter", "training.trainable=full", code: .adapterMismatch,
        mentions: ["training.trainable is full"]
    ) { try $0.writeAdapter(.llama, "self_attn.q_proj", inputs: 32, outputs: 32) },
    BadInput(
        "a classifier that was never trained", "eval", "recipe.yaml", "task.head=classifier", code: .adapterMismatch,
        mentions: ["task.head is classifier", "--adapter"]),
    BadInput(
        "a classifier in an adapter without one", "eval", "recipe.yaml", "task.head=classifier", "--adapter", "adapter",
        code: .adapterMismatch, mentions: ["adapter has no classifier"]
    ) { try $0.writeAdapter(.llama, "self_attn.q_proj", inputs: 32, outputs: 32) },
    BadInput(
        "a hub folder without one of its files", "model.path=hub", code: .modelUnreadable,
        mentions: ["model-00002-of-00004.safetensors", "Fetch every file"]
    ) { tiny in
        let hub = Fixtures.folder.appendingPathComponent("hub/opt")
        try FileManager.default.copyItem(at: hub, to: tiny.path("hub"))
        try FileManager.default.removeItem(at: tiny.path("hub/model-00002-of-00004.safetensors"))
    },
]

extension BadInput {
    /// An adapter that was made for another model, used by a command that reads one.
    fileprivate init(
        _ use: String, _ description: String, mentions: [String],
        prepare: @escaping @Sendable (TinyModel) throws -> Void
    ) {
        if use == "eval" {
            self.init(
                "\(description), to score", "eval", "recipe.yaml", "--adapter", "adapter", code: .adapterMismatch,
                mentions: ["adapter"] + mentions, prepare: prepare)
        } else {
            self.init(
                "\(description), to go on with", "lora.start=adapter", code: .adapterMismatch,
                mentions: ["adapter"] + mentions, prepare: prepare)
        }
    }
}

extension TinyModel {
    /// Writes an adapter of rank 2 for one layer of a model into the folder `adapter`.
    fileprivate func writeAdapter(
        _ family: ModelFamily, _ module: String, block: Int = 3, inputs: Int, outputs: Int
    ) throws {
        let pair = LowRankPair(
            a: [Float](repeating: 0.1, count: 2 * inputs), b: [Float](repeating: 0.1, count: 2 * outputs))
        try FileManager.default.createDirectory(at: path("adapter"), withIntermediateDirectories: true)
        try PEFTAdapter(
            family: family, rank: 2, alpha: 4, baseModel: "other",
            pairs: [AdapterSite(layer: block, module: module): pair]
        ).write(to: path("adapter"))
    }
}
