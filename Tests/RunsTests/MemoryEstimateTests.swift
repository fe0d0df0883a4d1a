import Checkpoints
import Datasets
import Methods
import Models
import Recipes
import Support
import Tensors
import Testing

@testable import Runs

@Suite("The memory that a run will need")
struct MemoryEstimateTests {
    private static let families = [ModelFamily.llama, .gpt2, .opt]

    private func recipe(_ overrides: [String] = []) throws -> Recipe {
        let yaml = """
            name: memory
            model: {path: none, frozen_blocks: 2}
            data: {path: none, format: tsv}
            task: {labels: {even: " even", odd: " odd"}, maximum_tokens: 32}
            lora: {rank: 3, alpha: 6}
            training: {batch: 8, micro_batch: 4, epochs: 2}
            devices: {cuts: [2, 1], publish_batch: 4}
            threads: 1
            """
        return try Recipe.parse(yaml: yaml, file: "memory.yaml", overrides: overrides)
    }

    /// Two shards of sequences of 3 to 9 tokens.
    private let shards = (0..<2).map { device in
        (0..<10).map { EncodedExample(tokens: Array(repeating: 1, count: 3 + ($0 * 5 + device) % 7), label: $0 % 2) }
    }

    private func estimate(
        _ overrides: [String] = [], family: ModelFamily = .gpt2, layers: Int = 4, test: [EncodedExample] = [],
        change: (inout Recipe) -> Void = { _ in }
    ) throws -> MemoryEstimate {
        var recipe = try recipe(overrides)
        change(&recipe)
        return MemoryEstimate(
            recipe, model: try RandomModelSource(family: family, layers: layers, width: 64).hyperparameters,
            tokens: 50, dataBytes: 1000, examples: ExampleSizes(recipe, shards: shards, test: test))
    }

    private func bytes(_ name: String, _ estimate: MemoryEstimate) throws -> Int {
        try #require(estimate.parts.first { $0.name == name }, "\(name)").bytes
    }

    /// What an arena was asked for, from the addresses that it gives out next.
    private func floats(of arena: Arena, from start: Matrix) -> Int {
        (Int(bitPattern: arena.matrix(rows: 1, columns: 1).base) - Int(bitPattern: start.base)) / 4 - 16
    }

    @Test(
        "what a block takes of its arenas is what its formula says, up to the rounding of matrices",
        arguments: families, [(Float(0), nil), (0.1, nil), (0.1, [3, 22, 23])] as [(Float, [Int]?)])
    func block(family: ModelFamily, variant: (rate: Float, reading: [Int]?)) throws {
        let (rate, rows) = variant
        let source = try RandomModelSource(family: family, layers: 4, width: 64)
        let model = try LanguageModel(source: source, maximumTokens: 32)
        for layout in [
            TrainableLayout.adapters(source.hyperparameters, blocks: 2..<4, dropout: rate),
            .adapters(source.hyperparameters, blocks: 2..<4, dropout: rate, layers: [.queryKeyValue]),
            TrainableLayout(model: source.hyperparameters, blocks: 2..<4, form: .full),
        ] {
            let tokens = 24
            let dropout = layout.lowRank.flatMap { form in
                form.dropout > 0
                    ? Dropout(rate: form.dropout, seed: 1, step: 1, firstSequence: 0, lengths: [tokens]) : nil
            }
            let parameters = TrainableParameters(random: layout)
            let block = model.block(3, parameters: parameters)
            let sequences = SequenceLayout(lengths: [tokens])
            let x_TD = Storage(count: tokens * 64).matrix(rows: tokens, columns: 64)
            x_TD.fill(0.5)
            // At most so many matrices of each pass are rounded up to 16 floats.
            let rounding = 16 * 20

            let forward = Arena(), forwardStart = forward.matrix(rows: 1, columns: 1)
            let scratch = Arena(), scratchStart = scratch.matrix(rows: 1, columns: 1)
            let kept = block.forward(
                x_TD, layout: sequences, reading: rows, dropout: dropout, arena: forward, scratch: scratch)
            let scratchFloats = DecoderBlock.forwardScratchFloats(
                source.hyperparameters, tokens: tokens, read: rows?.count, training: layout)
            #expect((0...rounding).contains(floats(of: scratch, from: scratchStart) - scratchFloats))
            let forwardFloats = DecoderBlock.forwardFloats(
                source.hyperparameters, tokens: tokens, read: rows?.count, training: layout)
            #expect((0...rounding).contains(floats(of: forward, from: forwardStart) - forwardFloats))

            let passing = Arena(), passingStart = passing.matrix(rows: 1, columns: 1)
            model.block(3, parameters: parameters).pass(x_TD, layout: sequences, reading: rows, scratch: passing)
            let passFloats = DecoderBlock.passFloats(source.hyperparameters, tokens: tokens, training: layout)
            let passed = floats(of: passing, from: passingStart) - passFloats
            #expect(rows == nil ? (0...rounding).contains(passed) : passed <= rounding)

            let backward = Arena(), backwardStart = backward.matrix(rows: 1, columns: 1)
            let gradients = block.backwardInput(
                x_TD, activations: kept, layout: sequences, dropout: dropout, needsInputGradient: true,
                arena: backward, scratch: backward)
            block.backwardWeights(
                activations: kept, gradients: gradients, dropout: dropout,
                addTo: try #require(TrainableParameters(layout: layout).block(3)), scratch: backward)
            let backwardFloats = DecoderBlock.backwardFloats(
                source.hyperparameters, tokens: tokens, read: rows?.count, training: layout)
            #expect((0...rounding).contains(floats(of: backward, from: backwardStart) - backwardFloats))
        }
    }

    @Test("what the head takes of its arenas is what its formula says")
    func head() throws {
        let source = try RandomModelSource(family: .opt, layers: 2, width: 64)
        let sizes = source.hyperparameters
        let model = try LanguageModel(source: source, maximumTokens: 32)
        let head = try OutputHead(languageModel: model)
        let x_ND = Storage(count: 5 * 64).matrix(rows: 5, columns: 64)
        x_ND.fill(0.5)
        let forward = Arena(), forwardStart = forward.matrix(rows: 1, columns: 1)
        let scratch = Arena(), scratchStart = scratch.matrix(rows: 1, columns: 1)
        let output = head.forward(
            x_ND, targets: [1, 2, 3, 4, 5], parameters: nil, needsGradient: true, arena: forward, scratch: scratch)
        let forwardFloats = OutputHead.forwardFloats(sizes, targets: 5, outputs: head.outputs, needsGradient: true)
        #expect((0...16 * 8).contains(floats(of: forward, from: forwardStart) - forwardFloats))
        let scratchFloats = OutputHead.forwardScratchFloats(targets: 5, outputs: head.outputs)
        #expect((0...16 * 8).contains(floats(of: scratch, from: scratchStart) - scratchFloats))
        let backward = Arena(), backwardStart = backward.matrix(rows: 1, columns: 1)
        head.backward(
            output, lossScale: 1, into: x_ND, classifierGradient_KD: nil, scratch: backward)
        let backwardFloats = OutputHead.backwardFloats(sizes, targets: 5)
        #expect((0...16 * 8).contains(floats(of: backward, from: backwardStart) - backwardFloats))
    }

    @Test("the groups of the prediction are those of the run")
    func groups() throws {
        let recipe = try recipe()
        let sizes = ExampleSizes(recipe, shards: shards, test: shards[0])
        #expect(sizes.trainSamples == 20 && sizes.microBatches == 2)
        #expect(sizes.trainTokens == shards.joined().reduce(0) { $0 + $1.tokens.count })
        var largest = 0
        for epoch in 1...2 {
            for batch in Batches.cut(SampleOrder.global(seed: 7, counts: [10, 10], epoch: epoch), size: 8) {
                for group in Batches.cut(batch, size: 4) {
                    largest = max(largest, group.reduce(0) { $0 + shards[$1.device][$1.index].tokens.count })
                }
            }
        }
        #expect(sizes.microBatch.tokens == largest)
        #expect(sizes.microBatch.targets == 4)
        #expect(sizes.messages.count == 2 && sizes.messages.allSatisfy { $0.targets == 4 && $0.tokens <= 36 })
    }

    @Test("where steps follow arrivals, the longest examples may meet", arguments: ["full-epoch", "available"])
    func orders(order: String) throws {
        let sizes = ExampleSizes(try recipe(["training.order=\(order)"]), shards: shards, test: shards[0])
        #expect(sizes.microBatch.tokens == 4 * (shards.joined().map(\.tokens.count).max() ?? 0))
        #expect(sizes.microBatch.targets == 4)
    }

    @Test("the sum is that of the parts, and the phase is the one that needs more")
    func sum() throws {
        let training = try estimate()
        #expect(training.predictedBytes == training.parts.reduce(0) { $0 + $1.bytes })
        #expect(training.phase == .training)
        // Long test examples make scoring the larger part.
        let long = [EncodedExample(tokens: Array(repeating: 1, count: 4000), label: 0)]
        let scoring = try estimate(test: long)
        #expect(scoring.phase == .scoring)
        #expect(scoring.predictedBytes == scoring.parts.reduce(0) { $0 + $1.bytes })
    }

    @Test("frozen blocks that train in full are not in memory twice")
    func full() throws {
        let adapters = try estimate(), full = try estimate(["training.trainable=full"])
        let block = try (bytes("frozen blocks", adapters) - bytes("frozen blocks", full)) / 2
        #expect(try bytes("trained parameters", full) == 2 * block)
        #expect(try bytes("optimizer", full) == 4 * block)
        let plain = try estimate(["training.trainable=full", "training.optimizer=sgd", "training.momentum=0"])
        #expect(try bytes("optimizer", plain) == 0)
    }

    @Test("half precision halves the store, and the store takes no more than its capacity")
    func store() throws {
        let overhead = 20 * 512
        let exact = try bytes("activation store", estimate()) - overhead
        #expect(try bytes("activation store", estimate(["devices.codec=bf16"])) - overhead == exact / 2)
        #expect(try bytes("activation store", estimate { $0.store.capacityBytes = 1024 }) - overhead == 1024)
    }

    @Test("a device that trains needs more than one that probes, and the whole model more than its lower blocks")
    func devices() throws {
        func device(_ method: String) throws -> Int {
            let overrides = ["training.method=\(method)", "devices.cuts=[2, 2]", "model.frozen_blocks=2"]
            let device = try #require(try estimate(overrides).device)
            #expect(device.predictedBytes == device.parts.reduce(0) { $0 + $1.bytes })
            return try #require(device.parts.last).bytes
        }
        let (frozen, probing) = try (device("splitfrozen"), device("hosl"))
        let (split, federated) = try (device("splitlora"), device("fedlora"))
        #expect(frozen < probing && probing < split && split < federated)
        #expect(try device("zo") == probing && device("soft") == federated)
        #expect(try estimate(["training.method=central"]).device == nil)
    }

    @Test("a method that trains on devices needs its two sides in place of the trainer, and each device's own")
    func sides() throws {
        func parts(_ method: String, _ overrides: [String] = []) throws -> (server: Int, devices: Int) {
            let all = ["training.method=\(method)", "devices.cuts=[2, 2]", "model.frozen_blocks=2"] + overrides
            let estimate = try estimate(all)
            #expect(!estimate.parts.contains { $0.name == "gradients" || $0.name == "activation store" })
            #expect(estimate.predictedBytes == estimate.parts.reduce(0) { $0 + $1.bytes })
            return try (
                bytes("server beside the weights", estimate), bytes("devices beside the weights", estimate)
            )
        }
        let split = try parts("splitlora"), probing = try parts("hosl"), both = try parts("zo")
        let federated = try parts("fedlora")
        // Without a gradient less lies there.
        #expect(both.server < probing.server && both.devices == probing.devices)
        #expect(probing.devices < split.devices && split.devices < federated.devices)
        // Twice the batch, between once and twice the memory; a server that only joins keeps no activations.
        let twice = try parts("fedlora", ["training.batch=16", "training.micro_batch=8"])
        #expect(twice.server == federated.server)
        #expect(try parts("zo", ["training.batch=16", "training.micro_batch=8"]).server > both.server)
        #expect(twice.devices > federated.devices && twice.devices < 2 * federated.devices)
        // A device's own part is what a process of its own needs beside weights and head.
        let alone = try #require(try estimate(["training.method=fedlora", "devices.cuts=[2, 2]"]).device?.parts.last)
        #expect(federated.devices < 2 * alone.bytes && federated.devices > alone.bytes / 2)
    }

    @Test("a run that does not fit the machine is named, and what to do")
    func machine() throws {
        let estimate = try estimate(), needed = estimate.predictedBytes
        func state(_ total: Int, _ available: Int) -> MachineCheck.State {
            MachineCheck.training(estimate, totalBytes: total, availableBytes: available).state
        }
        #expect(state(2 * needed, needed) == .good)
        #expect(state(2 * needed, needed - 1) == .warning)
        #expect(state(needed - 1, needed - 1) == .failed)
        #expect(MachineCheck.training(estimate, totalBytes: 1, availableBytes: 1).remedy != nil)
    }
}
