import Methods
import Models
import Tensors
import Testing

@Suite("A small Llama with LoRA against transformers and PEFT")
struct ReferenceParityTests {
    @Test("every block's output and all logits are the reference's", arguments: [Kernels.best, .portable])
    func activations(kernels: Kernels) throws {
        let fixture = try LlamaTinyFixture(kernels: kernels)
        let model = fixture.model, adapters = fixture.adapters, arena = Arena()
        let layout = SequenceLayout(lengths: fixture.trial.sequences.map(\.count))
        let stream = Storage(count: layout.tokens * model.hyperparameters.width)
        let x_TD = stream.matrix(rows: layout.tokens, columns: model.hyperparameters.width)
        func expectStream(_ index: Int) throws {
            let difference = largestDifference(x_TD.values, try fixture.expected("hidden.\(index)"))
            #expect(difference <= Tolerance.activation, "hidden.\(index)")
        }

        try model.embed(fixture.trial.sequences.flatMap { $0 }, into: x_TD)
        try expectStream(0)
        for block in model.blocks {
            let trains = adapters.layout.blocks.contains(block.index)
            block.forward(x_TD, layout: layout, adapters: trains ? adapters.block(block.index) : nil, arena: arena)
            try expectStream(block.index + 1)
        }
        let logits = try model.vocabularyLogits(x_TD)
        #expect(largestDifference(logits.values, try fixture.expected("logits")) <= Tolerance.activation)
    }

    @Test("label words score as in the reference, with adapters and without", arguments: [Kernels.best, .portable])
    func labelLogits(kernels: Kernels) throws {
        let fixture = try LlamaTinyFixture(kernels: kernels)
        let evaluation = try EvaluationSet(
            model: fixture.model, head: fixture.head, examples: fixture.examples, frozenBlocks: fixture.frozenBlocks,
            pool: ComputePool(threads: 1))
        for (adapters, prefix) in [(fixture.adapters, ""), (nil, "full_")] {
            let score = try evaluation.score(adapters: adapters)
            let logits = try fixture.expected("\(prefix)label_logits")
            let loss = Double(try fixture.expected("\(prefix)loss")[0])
            #expect(largestDifference(score.logits.flatMap { $0 }, logits) <= Tolerance.activation, "\(prefix)")
            #expect(abs(score.loss - loss) <= Tolerance.loss, "\(prefix)")
        }
    }

    @Test(
        "every LoRA gradient is the reference's, also from two micro-batches whose W waits for both B",
        arguments: [Kernels.best, .portable], [6, 3])
    func gradients(kernels: Kernels, microBatch: Int) throws {
        let fixture = try LlamaTinyFixture(kernels: kernels)
        let batches = fixture.microBatches(of: microBatch)
        let memory = PassMemory()
        let passes = batches.map { _ in
            MicroBatchPass(model: fixture.model, head: fixture.head, adapters: fixture.adapters, memory: memory)
        }
        let sequences = fixture.trial.sequences.count
        var loss = 0.0
        for (pass, batch) in zip(passes, batches) {
            loss += try pass.forward(batch).lossSum / Double(sequences)
            pass.backwardInput(lossScale: 1 / Float(sequences))
        }
        for pass in passes { pass.backwardWeights() }
        for pass in passes[1...] { kernels.add(pass.gradients.flat, to: passes[0].gradients.flat) }

        #expect(batches.count == sequences / microBatch)
        #expect(abs(loss - Double(try fixture.expected("loss")[0])) <= Tolerance.loss)
        try expect(
            passes[0].gradients, equal: try fixture.expectedAdapters("grad"), within: Tolerance.gradient)
    }

    @Test(
        "ten AdamW steps with warm-up and clipping give the reference's losses and adapters",
        arguments: [Kernels.best, .portable], [6, 3])
    func training(kernels: Kernels, microBatch: Int) throws {
        let fixture = try LlamaTinyFixture(kernels: kernels)
        let trainer = fixture.trainer()
        let batch = fixture.microBatches(of: microBatch)
        let steps = try (0..<fixture.trial.optimizer.steps).map { _ in try trainer.step(batch) }

        let losses = steps.map { Float($0.loss) }
        #expect(largestDifference(losses, try fixture.expected("losses")) <= Tolerance.trainingLoss)
        #expect(abs(steps[0].gradientNorm - Double(try fixture.expected("grad_norm")[0])) <= Tolerance.loss)
        try expect(
            trainer.adapters, equal: try fixture.expectedAdapters("lora_after"), within: Tolerance.trainedAdapter)
    }

    /// Compares tensor by tensor, so that a failure names the layer.
    private func expect(
        _ found: AdapterTensors, equal expected: [String: [Float]], within tolerance: Double
    ) throws {
        let found = found.byName
        #expect(Set(found.keys) == Set(expected.keys))
        for (name, values) in expected.sorted(by: { $0.key < $1.key }) {
            let difference = largestRelativeDifference(try #require(found[name]), values)
            #expect(difference <= tolerance, "\(name)")
        }
    }
}

extension Kernels: CustomTestStringConvertible {
    /// The instruction set, which tells the cases of a test apart.
    public var testDescription: String { name }
}
