import Checkpoints
import Datasets
import Diagnostics
import Models
import Randomness
import Recipes
import Support
import Tensors
import Testing

@testable import Runs

/// What is trained, and for which answers.
struct TrainedForm: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let overrides: [String]
    let head: Recipe.Head

    init(_ description: String, _ overrides: String..., head: Recipe.Head = .verbalizer) {
        testDescription = description
        self.overrides = overrides
        self.head = head
    }

    static let all = [
        TrainedForm("full fine-tuning", "training.trainable=full"),
        TrainedForm("full fine-tuning with SGD", "training.trainable=full", "training.optimizer=sgd"),
        TrainedForm("a classifier", head: .classifier),
        TrainedForm("a classifier over full fine-tuning", "training.trainable=full", head: .classifier),
        TrainedForm("answers in words", head: .lm),
        TrainedForm("answers in words by full fine-tuning", "training.trainable=full", head: .lm),
        TrainedForm("dropout", "lora.dropout=0.1"),
        TrainedForm("rsLoRA", "lora.rslora=true"),
        TrainedForm("adapters in some blocks", "lora.blocks=6-6"),
        TrainedForm(
            "SGD with momentum and dropout", "training.optimizer=sgd", "training.momentum=0.9", "lora.dropout=0.1"),
    ]
}

/// Whatever is trained, of whatever family: what SplitFrozen trains is what central training would give.
@Suite("SplitFrozen equals central training in every form")
struct FormExactnessTests {
    static let frozenBlocks = 4
    private static let samples = 40
    private static let tolerance = 1e-4

    /// Two epochs of five steps, on devices of different strength.
    private func recipe(_ form: TrainedForm, _ overrides: [String]) throws -> Recipe {
        let task =
            switch form.head {
            case .verbalizer: "{labels: {even: \" even\", odd: \" odd\"}, maximum_tokens: 32}"
            case .classifier: "{head: classifier, labels: [even, odd], maximum_tokens: 32}"
            case .lm: "{head: lm, answer: \"{answer}\", maximum_tokens: 32}"
            }
        let yaml = """
            name: forms
            model: {path: none, frozen_blocks: \(Self.frozenBlocks)}
            data: {path: none, format: tsv}
            task: \(task)
            lora: {rank: 3, alpha: 6}
            training: {epochs: 2, batch: 8, micro_batch: 3, learning_rate: 0.01, warmup_steps: 2, schedule: cosine}
            devices: {cuts: [4, 1, 0], publish_batch: 4}
            """
        return try Recipe.parse(yaml: yaml, file: "forms.yaml", overrides: form.overrides + overrides)
    }

    /// Texts with the class of their first token, or with an answer of up to four tokens.
    func shards(_ head: Recipe.Head) throws -> [[EncodedExample]] {
        var generator = SeededGenerator(seed: 9, stream: "forms")
        let examples = (0..<Self.samples).map { _ in
            let tokens = (0..<Int.random(in: 4...12, using: &generator)).map { _ in
                Int32.random(in: 0..<50, using: &generator)
            }
            guard head == .lm else { return EncodedExample(tokens: tokens, label: Int(tokens[0] % 2)) }
            return EncodedExample(tokens: tokens, targets: tokens.suffix(Int.random(in: 1...4, using: &generator)))
        }
        let labels = head == .lm ? examples.map { _ in 0 } : examples.map(\.label)
        return try Partition.iid.assign(labels: labels, classes: 2, devices: 3, seed: 1)
            .map { indices in indices.map { examples[$0] } }
    }

    func setup(
        _ form: TrainedForm, _ family: ModelFamily, _ overrides: [String] = [], tracer: Tracer? = nil
    ) throws -> TrainingSetup {
        let recipe = try recipe(form, overrides), isFull = recipe.training.trainable == .full
        return try TrainingSetup(
            recipe,
            model: LanguageModel(
                source: RandomModelSource(family: family, layers: 6), maximumTokens: 32,
                loadedBlocks: isFull ? Self.frozenBlocks : nil),
            counts: shards(form.head).map(\.count), labelTokens: [3, 7],
            pool: ComputePool(threads: max(2, recipe.pipeline.stages)), tracer: tracer)
    }

    /// How far training moved the parameters, and how far SplitFrozen ended from central training.
    private func compare(
        _ form: TrainedForm, _ family: ModelFamily, _ overrides: [String] = []
    ) throws -> (moved: Double, apart: Double) {
        let central = try setup(form, family, overrides), split = try setup(form, family, overrides)
        let start = central.parameters.flat.values
        try CentralRun(setup: central, shards: shards(form.head)).train(shouldStop: { false }, observer: { _ in })
        let outcome = try EmbeddedRun(split, shards: shards(form.head), run: "forms").train { _ in }
        guard case .completed(let totals) = outcome else {
            Issue.record("the run ended as \(outcome)")
            return (0, .infinity)
        }
        #expect(totals.steps == 10 && central.trainer.step == 10)
        let end = central.parameters.flat.values
        return (relativeDifference(start, end), relativeDifference(split.parameters.flat.values, end))
    }

    @Test(
        "of every family", arguments: TrainedForm.all, [ModelFamily.gpt2, .llama, .opt])
    func equalsCentral(form: TrainedForm, family: ModelFamily) throws {
        let (moved, apart) = try compare(form, family)
        #expect(moved > 10 * Self.tolerance, "10 steps move what trains")
        #expect(apart < Self.tolerance)
    }

    @Test(
        "with adapters beside some layers of a family",
        arguments: [
            (ModelFamily.llama, "[q, v]"), (.llama, "[gate, down]"), (.opt, "[q, v]"), (.opt, "[fc1]"),
            (.gpt2, "[c_attn]"), (.gpt2, "[c_proj]"),
        ])
    func targets(family: ModelFamily, targets: String) throws {
        let (moved, apart) = try compare(TrainedForm("targets"), family, ["lora.targets=\(targets)"])
        #expect(moved > 10 * Self.tolerance)
        #expect(apart < Self.tolerance)
    }

    @Test("each form trains what it says, and nothing else")
    func counts() throws {
        let count = { (form: TrainedForm, overrides: [String]) in
            try self.setup(form, .llama, overrides).parameters.layout.count
        }
        let plain = TrainedForm("adapters")
        // A model of width 16 with a key-value head of 8: what A and B of rank 3 have of q, v and all seven layers.
        let (q, v, all) = (3 * (16 + 16), 3 * (16 + 8), 3 * (32 + 24 + 24 + 32 + 48 + 48 + 48))
        #expect(try count(plain, []) == 2 * all)
        #expect(try count(plain, ["lora.blocks=6-6"]) == all)
        #expect(try count(plain, ["lora.targets=[q, v]"]) == 2 * (q + v))
        #expect(try count(TrainedForm("", head: .classifier), ["lora.targets=[q]"]) == 2 * q + 2 * 16)
        let full = 16 * 16 * 2 + 16 * 8 * 2 + 3 * 16 * 32 + 2 * 16
        #expect(try count(TrainedForm(""), ["training.trainable=full"]) == 2 * full)
    }
}
