import Checkpoints
import Methods
import Models
import Support
import Tensors
import Testing

@Suite("Small models of every family against transformers and PEFT")
struct ReferenceParityTests {
    @Test(
        "every block's output and all logits are the reference's",
        arguments: ModelFixture.cases + [ModelFixture.added])
    func activations(name: String) throws {
        for kernels in [Kernels.best, .portable] {
            let fixture = try ModelFixture(name, kernels: kernels)
            let model = fixture.model, parameters = try fixture.adapters(), arena = Arena()
            let sequences = fixture.trial.sequences
            let layout = SequenceLayout(lengths: sequences.map(\.count))
            let stream = Storage(count: layout.tokens * model.hyperparameters.width)
            let x_TD = stream.matrix(rows: layout.tokens, columns: model.hyperparameters.width)
            func expectStream(_ index: Int) throws {
                let difference = largestDifference(x_TD.values, try fixture.expected("hidden.\(index)"))
                #expect(difference <= Tolerance.activation, "hidden.\(index), \(kernels.name)")
            }

            try model.embed(sequences.flatMap { $0 }, layout: layout, into: x_TD)
            try expectStream(0)
            for index in 0..<model.hyperparameters.layers {
                model.block(index, parameters: parameters).pass(x_TD, layout: layout, scratch: arena)
                try expectStream(index + 1)
            }
            let logits = try allLogits(x_TD, fixture, arena)
            #expect(largestDifference(logits, try fixture.expected("logits")) <= Tolerance.activation)
        }
    }

    @Test("bfloat16 weights in two shards give the logits of the rounded model", arguments: [WeightType.f32, .bf16])
    func roundedWeights(kept: WeightType) throws {
        let fixture = try ModelFixture("gpt2")
        let model = try LanguageModel(
            source: HubModel(ModelFixture.folder("gpt2-bf16")), maximumTokens: 32, weightType: kept)
        let sequences = fixture.trial.sequences
        let layout = SequenceLayout(lengths: sequences.map(\.count))
        let stream = Storage(count: layout.tokens * model.hyperparameters.width)
        let x_TD = stream.matrix(rows: layout.tokens, columns: model.hyperparameters.width)
        try model.embed(sequences.flatMap { $0 }, layout: layout, into: x_TD)
        model.forward(
            0..<model.hyperparameters.layers, x_TD, layout: layout, parameters: try fixture.adapters(), scratch: Arena()
        )
        let head = try OutputHead(languageModel: model)
        let output = head.forward(
            x_TD, targets: sequences.flatMap { $0 }, parameters: nil, needsGradient: false, arena: Arena(),
            scratch: Arena())
        let logits = try #require(output.logits_NK).values
        let isRounded = kept == .bf16 && BrainFloatMatrix.isMultiplied
        #expect(
            largestDifference(logits, try fixture.expected("bf16_logits"))
                <= (isRounded ? Tolerance.roundedActivation : Tolerance.activation))
    }

    @Test("label words and classes score as in the reference", arguments: TrainingCase.all + TrainingCase.added)
    func classLogits(trial: TrainingCase) throws {
        guard trial.kind != .languageModel else { return }
        let bench = try TrainingBench(trial)
        let name = trial.kind == .classifier ? "classifier_logits" : "\(trial.prefix)label_logits"
        let batch = bench.microBatches(of: 6)[0]
        let pass = MicroBatchPass(
            model: bench.fixture.model, head: bench.head, parameters: bench.parameters,
            frozenBlocks: bench.fixture.frozenBlocks, memory: PassMemory())
        let loss = try pass.forward(batch).lossSum / Double(bench.targetCount)
        #expect(abs(loss - (try bench.fixture.expectedNumber("\(trial.prefix)loss"))) <= Tolerance.loss)
        let evaluation = try EvaluationSet(
            model: bench.fixture.model, head: bench.head, examples: bench.examples,
            frozenBlocks: bench.fixture.frozenBlocks, pool: ComputePool(threads: 1))
        let score = try evaluation.score(bench.parameters)
        #expect(
            largestDifference(score.logits.flatMap { $0 }, try bench.fixture.expected(name)) <= Tolerance.activation)
        #expect(abs(score.loss - loss) <= Tolerance.loss)
    }

    @Test(
        "every gradient is the reference's, also from micro-batches whose W waits for every B",
        arguments: TrainingCase.all + TrainingCase.added, [6, 4])
    func gradients(trial: TrainingCase, microBatch: Int) throws {
        for kernels in [Kernels.best, .portable] {
            let bench = try TrainingBench(trial, kernels: kernels)
            let batches = bench.microBatches(of: microBatch)
            let memory = PassMemory()
            let passes = batches.map { _ in
                MicroBatchPass(
                    model: bench.fixture.model, head: bench.head, parameters: bench.parameters,
                    frozenBlocks: bench.fixture.frozenBlocks, memory: memory)
            }
            var loss = 0.0
            for (pass, batch) in zip(passes, batches) {
                loss += try pass.forward(batch).lossSum / Double(bench.targetCount)
                pass.backwardInput(lossScale: 1 / Float(bench.targetCount))
            }
            for pass in passes { pass.backwardWeights() }
            for pass in passes[1...] { kernels.add(pass.gradients.flat, to: passes[0].gradients.flat) }

            #expect(abs(loss - (try bench.fixture.expectedNumber("\(trial.prefix)loss"))) <= Tolerance.loss)
            try expect(
                passes[0].gradients, equal: try bench.fixture.expectedByName("\(trial.prefix)grad"),
                within: Tolerance.gradient, vanishing: bench.fixture.trial.vanishingGradients, trial.prefix)
        }
    }

    @Test(
        "ten AdamW steps with warm-up and clipping give the reference's losses and parameters",
        arguments: TrainingCase.all, [6, 4])
    func adamW(trial: TrainingCase, microBatch: Int) throws {
        let bench = try TrainingBench(trial)
        let trainer = bench.adamW()
        let batch = bench.microBatches(of: microBatch)
        let steps = try (0..<bench.fixture.trial.adamW.steps).map { _ in try trainer.step(batch) }

        let losses = steps.map { Float($0.loss) }
        let expected = try bench.fixture.expected("\(trial.prefix)losses")
        #expect(largestDifference(losses, expected) <= Tolerance.trainingLoss)
        let norm = try bench.fixture.expectedNumber("\(trial.prefix)grad_norm")
        #expect(abs(steps[0].gradientNorm / norm - 1) <= Tolerance.loss)
        guard trial.kind == .verbalizer else { return }
        try expect(
            bench.parameters, equal: try bench.fixture.expectedByName("lora_after"), within: Tolerance.trainedAdapter)
    }

    @Test("ten SGD steps with momentum and a cosine give the reference's losses", arguments: ModelFixture.cases)
    func sgd(name: String) throws {
        let bench = try TrainingBench(TrainingCase(fixture: name, kind: .verbalizer))
        let trainer = bench.sgd()
        let batch = bench.microBatches(of: 4)
        let steps = try (0..<bench.fixture.trial.sgd.steps).map { _ in try trainer.step(batch) }
        let losses = steps.map { Float($0.loss) }
        #expect(largestDifference(losses, try bench.fixture.expected("sgd_losses")) <= Tolerance.trainingLoss)
        let rates = steps.map { Float($0.learningRate) }
        #expect(largestDifference(rates, try bench.fixture.expected("sgd_rates")) <= 1e-6)
    }

    @Test(
        "one token at a time with a cache gives the logits of the whole sequence",
        arguments: ModelFixture.cases + [ModelFixture.added])
    func cache(name: String) throws {
        let fixture = try ModelFixture(name)
        let model = fixture.model, parameters = try fixture.adapters()
        let sequences = fixture.trial.sequences.suffix(3).map { $0 }
        let expected = try fixture.expected("logits"), vocabulary = model.hyperparameters.vocabularySize
        let head = try OutputHead(languageModel: model)
        let cache = KeyValueCache(model.hyperparameters, sequences: sequences.count, capacity: 32)
        var row = fixture.trial.sequences.dropLast(3).reduce(0) { $0 + $1.count }
        let firstRows = sequences.map { sequence in
            defer { row += sequence.count }
            return row
        }
        let arena = Arena()
        // Three tokens at first, then one by one, until the shortest sequence has ended.
        for end in 3...(sequences.map(\.count).min() ?? 0) {
            let tokens = sequences.map { Array($0[(end == 3 ? 0 : end - 1)..<end]) }
            let logits = try model.nextTokenLogits(
                tokens, cache: cache, parameters: parameters, head: head, scratch: arena)
            for (place, first) in firstRows.enumerated() {
                let begin = (first + end - 1) * vocabulary
                let difference = largestDifference(
                    logits.rows(place..<place + 1).values, Array(expected[begin..<begin + vocabulary]))
                #expect(difference <= Tolerance.activation, "sequence \(place), \(end) tokens")
            }
            arena.reset()
        }
    }

    private func allLogits(_ x_TD: Matrix, _ fixture: ModelFixture, _ arena: Arena) throws -> [Float] {
        let sequences = fixture.trial.sequences
        let head = try OutputHead(languageModel: fixture.model)
        arena.reset()
        let output = head.forward(
            x_TD, targets: sequences.flatMap { $0 }, parameters: nil, needsGradient: false, arena: arena,
            scratch: arena)
        return try #require(output.logits_NK).values
    }

    /// Compares tensor by tensor, so that a failure names the layer.
    private func expect(
        _ found: TrainableParameters, equal expected: [String: [Float]], within tolerance: Double,
        vanishing: Set<String> = [], _ prefix: String = ""
    ) throws {
        let found = found.byName
        #expect(Set(found.keys) == Set(expected.keys))
        let largest = expected.values.joined().reduce(0) { max($0, abs(Double($1))) }
        for (name, values) in expected.sorted(by: { $0.key < $1.key }) {
            let own = try #require(found[name])
            if vanishing.contains("\(prefix)grad.\(name)") {
                #expect(largestDifference(own, values) <= 1e-5 * largest, "\(name)")
            } else {
                #expect(largestRelativeDifference(own, values) <= tolerance, "\(name)")
            }
        }
    }
}
